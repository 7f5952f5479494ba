// Pictures that are dropped, pasted or chosen go to the library; the server decides.

import { fragmentOf } from "./vocabulary.js";

const PICTURE = /^image\/(png|jpeg|gif|webp)$/;

// Office programs add a picture of the text that they copy, browsers one of a picture
// that is dragged: what the HTML says goes before.
export function pictureFiles(transfer, isKnown) {
  const files = [...(transfer?.files ?? [])].filter((file) => PICTURE.test(file.type));
  const copied = fragmentOf(transfer?.getData("text/html") ?? "");
  const isMore = copied.textContent.trim() || [...copied.querySelectorAll("img")].some((image) => isKnown(image.src));
  return isMore ? [] : files;
}

function say(panel, text) {
  const place = panel.querySelector("[data-message-said]");
  place.textContent = text;
  place.hidden = !text;
}

// {name, html, url} of the stored picture; null when it was refused, which is said.
export async function upload(file, panel, form) {
  const data = new FormData();
  data.append("file", file, file.name);
  data.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  say(panel, panel.dataset.messageUploading);
  try {
    const response = await fetch(panel.dataset.messageUpload, { method: "POST", body: data });
    const answer = await response.json();
    say(panel, answer.error ?? "");
    return answer.error ? null : answer;
  } catch {
    say(panel, panel.dataset.messageFailed);
    return null;
  }
}
