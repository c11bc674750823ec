import type { Page } from "../state/pages";
import Account from "../parts/Account.svelte";

export default { id: "account", key: "u", title: "page.account", help: "help.page.account", width: "narrow", order: 85, component: Account } satisfies Page;
