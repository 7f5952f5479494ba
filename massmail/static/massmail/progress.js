// Keeps the numbers of running mailings up to date: on a mailing's page and in the list.
// The page says everything without this; it only saves reloading.

const POLL_MS = 2000;
const PATIENCE_MS = 30000;
// The forecast is dear and changes slowly.
const POLLS_PER_FORECAST = 10;

function setText(element, text) {
  // Only what changed: screen readers tell every change of a live region.
  if (element.textContent !== text) element.textContent = text;
}

function showFields(root, facts) {
  const own = root.matches("[data-field]") ? [root] : [];
  for (const element of [...own, ...root.querySelectorAll("[data-field]")]) {
    setText(element, facts.texts[element.dataset.field] ?? "");
    if (element.dataset.field === "status") element.dataset.status = facts.status;
  }
}

function showBar(root, facts) {
  for (const bar of root.querySelectorAll("[data-bar]")) {
    bar.setAttribute("aria-label", facts.texts.summary);
    for (const part of facts.bar) {
      const segment = bar.querySelector(`[data-segment="${part.group}"]`);
      segment.setAttribute("x", part.start);
      segment.setAttribute("width", part.length);
    }
  }
}

function showActions(root, actions) {
  for (const element of root.querySelectorAll("[data-action]")) {
    element.hidden = !actions[element.dataset.action];
  }
}

function showPreparing(root, preparing) {
  const box = root.querySelector("[data-preparing]");
  box.hidden = !preparing.is_on;
  const meter = box.querySelector("progress");
  meter.max = preparing.chosen || 1;
  meter.value = preparing.done;
  setText(box.querySelector("[data-preparing-text]"), preparing.text);
}

const shownFragments = new Map();

function showFragments(root, fragments) {
  for (const box of root.querySelectorAll("[data-fragment]")) {
    const html = fragments[box.dataset.fragment];
    if (html === undefined || shownFragments.get(box) === html) continue;
    // A link that has the focus must not vanish under the finger.
    if (box.contains(document.activeElement)) continue;
    shownFragments.set(box, html);
    box.innerHTML = html;
  }
}

function showPage(panel, facts) {
  showFields(panel, facts);
  showBar(panel, facts);
  showActions(panel, facts.actions);
  showPreparing(panel, facts.preparing);
  showFragments(panel, facts.fragments);
  return facts.is_live;
}

function liveIds(list) {
  return [...list.querySelectorAll("[data-mailing][data-live]")].map((row) => row.dataset.mailing);
}

function showList(list, answer) {
  for (const row of list.querySelectorAll("[data-mailing]")) {
    const facts = answer.mailings[row.dataset.mailing];
    if (!facts) continue;
    showFields(row, facts);
    showBar(row, facts);
    row.toggleAttribute("data-live", row.hasAttribute("data-live") && facts.is_live);
  }
  return liveIds(list).length > 0;
}

async function facts(address) {
  const response = await fetch(address, {
    headers: { Accept: "application/json" },
    credentials: "same-origin",
    redirect: "error",
  });
  if (!response.ok) throw new Error(response.statusText);
  return response.json();
}

// Asks every two seconds while somebody looks and something can change; less often
// while the server does not answer.
function watch(address, show) {
  let delay = POLL_MS;
  let timer = 0;

  async function ask() {
    timer = 0;
    let goesOn = true;
    try {
      goesOn = show(await facts(address()));
      delay = POLL_MS;
    } catch {
      delay = Math.min(delay * 2, PATIENCE_MS);
    }
    if (goesOn) plan();
    else document.removeEventListener("visibilitychange", wake);
  }

  function plan() {
    if (!document.hidden && !timer) timer = setTimeout(ask, delay);
  }

  function wake() {
    clearTimeout(timer);
    timer = 0;
    if (!document.hidden) ask();
  }

  document.addEventListener("visibilitychange", wake);
  plan();
}

function watchPage(panel) {
  const withForecast = `${panel.dataset.progress}?forecast=1`;
  let polls = 0;

  function address() {
    polls += 1;
    return polls % POLLS_PER_FORECAST ? panel.dataset.progress : withForecast;
  }

  function show(answer) {
    const goesOn = showPage(panel, answer);
    // Once more, with what is told in the end only; without it the page is right, too.
    if (!goesOn) facts(withForecast).then((last) => showPage(panel, last), () => {});
    return goesOn;
  }

  watch(address, show);
}

// Of a big mailing the page comes first.
for (const panel of document.querySelectorAll("[data-progress]:has([data-later])")) {
  facts(`${panel.dataset.progress}?forecast=1`).then((last) => showPage(panel, last), () => {});
}

for (const panel of document.querySelectorAll("[data-progress][data-live]")) {
  watchPage(panel);
}

for (const list of document.querySelectorAll("[data-progress-list]")) {
  if (liveIds(list).length) {
    watch(
      () => `${list.dataset.progressList}?ids=${liveIds(list).join(",")}`,
      (answer) => showList(list, answer),
    );
  }
}
