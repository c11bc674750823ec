import type { Page } from "../state/pages";
import History from "../parts/History.svelte";

export default { id: "history", key: "h", title: "page.history", help: "help.page.history", width: "narrow", order: 30, component: History } satisfies Page;
