import type { Page } from "../state/pages";
import Drills from "../parts/Drills.svelte";

export default { id: "drills", key: "d", title: "page.drills", help: "help.page.drills", width: "narrow", order: 50, component: Drills } satisfies Page;
