import type { Page } from "../state/pages";
import Help from "../parts/Help.svelte";

export default { id: "help", key: "?", title: "page.help", help: "help.page.help", width: "narrow", order: 90, component: Help } satisfies Page;
