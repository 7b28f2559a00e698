// Entry of every page behind sign-in, and of sign-in itself.
import "htmx.org/dist/htmx.esm.js";
import "./autosave.js";
import "./carry.js";
import "./dial.js";
import "./foresee.js";
import "./forms.js";
import "./keep.js";
import "./keys.js";
import "./knowledge.js";
import "./latest.js";
import "./limit.js";
import "./live.js";
import "./proposals.js";
import "./shell.js";
import "./ticking.js";
