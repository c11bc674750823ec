import { mount } from "svelte";
import "./app.css";
import SignIn from "./parts/SignIn.svelte";

const target = document.getElementById("app");
if (target) mount(SignIn, { target });
