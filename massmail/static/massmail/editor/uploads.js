// Pictures that are dropped, pasted or chosen go to the library; the server decides.

const PICTURE = /^image\/(png|jpeg|gif|webp)$/;

export function pictureFiles(transfer) {
  return [...(transfer?.files ?? [])].filter((file) => PICTURE.test(file.type));
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
