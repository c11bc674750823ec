import type { Page } from "../state/pages";
import Seizures from "../parts/Seizures.svelte";

export default { id: "seizures", key: "e", title: "page.seizures", help: "help.page.seizures", width: "wide", order: 70, component: Seizures } satisfies Page;
