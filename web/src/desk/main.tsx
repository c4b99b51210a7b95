/* The desk begins. */
import "../shared/tokens.css";
import "./style/base.css";
import "./style/parts.css";
import { render } from "preact";
import { App } from "./app";
import { startLanguage } from "./i18n/i18n";
import { startTheme } from "./lib/theme";
import { startLinks } from "./lib/url";

startTheme();
startLanguage();
startLinks();
const root = document.getElementById("desk");
if (root) render(<App />, root);
