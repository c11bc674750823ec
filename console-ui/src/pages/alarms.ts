import type { Page } from "../state/pages";
import Alarms from "../parts/Alarms.svelte";

export default { id: "alarms", key: "g", title: "page.alarms", help: "help.page.alarms", width: "wide", order: 40, component: Alarms } satisfies Page;
