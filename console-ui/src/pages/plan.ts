import type { Page } from "../state/pages";
import Plan from "../parts/Plan.svelte";

export default { id: "plan", key: "p", title: "page.plan", help: "help.page.plan", width: "narrow", order: 60, component: Plan } satisfies Page;
