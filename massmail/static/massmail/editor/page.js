// The page on which a message is written: tabs, the visual editor, the preview beside.

import { sumFiles } from "./attachments.js";
import { guardLayouts } from "./layouts.js";
import { LivePreview } from "./preview.js";
import { Tabs } from "./tabs.js";
import { VisualEditor } from "./visual.js";

async function visualEditor(textarea, panel) {
  if (!textarea.dataset.messageVisual || !panel) return null;
  const tiptap = await import(textarea.dataset.messageVisual);
  return new VisualEditor(tiptap, textarea, panel);
}

const textarea = document.getElementById("id_content");
const tablist = document.querySelector("[data-message-tabs]");
if (textarea && tablist) {
  const visual = await visualEditor(textarea, document.querySelector("[data-message-editor]"));
  new Tabs(tablist, textarea, visual).start();
  const preview = document.querySelector("[data-message-preview]");
  if (preview) new LivePreview(preview, textarea.form).start();
  guardLayouts(textarea.form);
  sumFiles(document.querySelector("[data-message-sum]"));
}
