import { mount } from "svelte";
import "./app.css";
import Patrol from "./parts/Patrol.svelte";

const target = document.getElementById("app");
if (target) mount(Patrol, { target });
if ("serviceWorker" in navigator) {
  // Without it the page still queues; it only cannot be opened anew while offline.
  navigator.serviceWorker.register("/sw.js").catch(() => undefined);
}
