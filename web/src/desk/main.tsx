import "../shared/tokens.css";
import { render } from "preact";

const root = document.getElementById("desk");
if (root) render(<main>ebb</main>, root);
