import type { Page } from "../state/pages";
import Releases from "../parts/Releases.svelte";

export default { id: "releases", key: "b", title: "page.releases", help: "help.page.releases", width: "wide", order: 60, component: Releases } satisfies Page;
