import type { Page } from "../state/pages";
import Tracks from "../parts/Tracks.svelte";

export default { id: "tracks", key: "t", title: "page.tracks", help: "help.page.tracks", width: "narrow", order: 10, component: Tracks } satisfies Page;
