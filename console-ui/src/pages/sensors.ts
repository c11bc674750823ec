import type { Page } from "../state/pages";
import Sensors from "../parts/Sensors.svelte";

export default { id: "sensors", key: "s", title: "page.sensors", help: "help.page.sensors", width: "wide", order: 20, component: Sensors } satisfies Page;
