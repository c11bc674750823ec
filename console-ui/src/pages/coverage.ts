import type { Page } from "../state/pages";
import Coverage from "../parts/Coverage.svelte";

export default { id: "coverage", key: "v", title: "page.coverage", help: "help.page.coverage", width: "narrow", order: 45, component: Coverage } satisfies Page;
