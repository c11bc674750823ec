import type { Page } from "../state/pages";
import Find from "../parts/Find.svelte";

export default { id: "find", key: "/", title: "page.find", help: "help.page.find", width: "narrow", order: 80, component: Find } satisfies Page;
