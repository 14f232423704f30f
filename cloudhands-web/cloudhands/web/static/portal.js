// What the portal adds to htmx. Every page works without it.
"use strict";

// What somebody opened, or has just sent, stays so when its part of the page is renewed.
const KEPT = new Set(["open", "disabled"]);
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name) => !KEPT.has(name);

// Nobody looks at a hidden tab, so it does not ask; when it is looked at again, it asks at once.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden || wouldUndo(event)) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) renew();
});

function renew() {
  for (const part of document.querySelectorAll("[hx-get]")) htmx.trigger(part, "renew");
}

// What was found is put in the place of what was found before, with the choices that somebody made in
// it: that is for who types on, not for who comes back from another tab.
function wouldUndo({ detail }) {
  const chosen = (one) => !one.selectedOptions[0].defaultSelected;
  return (
    detail.requestConfig.triggeringEvent?.type === "renew" &&
    detail.target.matches("#found") &&
    Array.from(detail.target.querySelectorAll("select")).some(chosen)
  );
}

// What may no longer be seen, or is gone, does not stay on the screen. Who asked too often, or what
// cannot be had now, is told in the place of what was asked for.
document.addEventListener("htmx:responseError", (event) => {
  const { xhr, target } = event.detail;
  if ([403, 404].includes(xhr.status)) location.reload();
  if (xhr.status === 429 || xhr.status === 503) explain(xhr, target);
});

function explain(xhr, target) {
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  const said = page.querySelector("[role=alert]");
  if (said && target.matches("#found")) target.replaceChildren(document.importNode(said, true));
}

// A screen reader is told which things changed, not the whole part that was renewed.
let told = sentences();
document.addEventListener("htmx:afterSwap", () => {
  const now = sentences();
  const news = now.filter((sentence) => !told.includes(sentence));
  told = now;
  if (news.length > 0) document.getElementById("news").textContent = brief(news);
});

function sentences() {
  return Array.from(document.querySelectorAll("[data-news]"), (one) => one.dataset.news);
}

function brief(news) {
  const more = news.length - 3;
  return news.slice(0, 3).join(" ") + (more > 0 ? ` And ${more} more.` : "");
}

// A second click sends nothing a second time.
document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("button")) button.disabled = true;
});
// Whoever comes back finds the form usable, and the page as it is now.
window.addEventListener("pageshow", (event) => {
  for (const button of document.querySelectorAll("button:disabled")) button.disabled = false;
  if (event.persisted) document.querySelector("[hx-get]") ? renew() : location.reload();
});
