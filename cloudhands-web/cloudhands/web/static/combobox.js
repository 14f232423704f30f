// Makes of a search box one to choose from (WAI-ARIA's combobox with a listbox). What was found opens
// as a list below it: the arrow keys go through that, Enter or a click takes one, who is then shown
// alone with what can be done about them. Whoever goes on without taking one has all of them on the
// page, as without JavaScript.
"use strict";

const box = document.querySelector("input[data-choices]");
const choices = document.createElement("ul");
// Whether one was taken, and nothing typed since.
let taken = false;
// Which of the list is meant; below 0, none.
let meant = -1;

const people = () => document.querySelector("#found .people");
const options = () => Array.from(choices.children);

choices.id = "choices";
choices.className = "choices";
choices.setAttribute("role", "listbox");
choices.setAttribute("aria-label", box.dataset.choices);
box.form.append(choices);
box.setAttribute("role", "combobox");
box.setAttribute("aria-autocomplete", "list");
box.setAttribute("aria-controls", choices.id);
close();

function close() {
  choices.hidden = true;
  box.setAttribute("aria-expanded", "false");
  point(-1);
  if (people()) people().hidden = false;
}

function open() {
  if (!people() || taken) return close();
  choices.replaceChildren(...Array.from(people().children, option));
  people().hidden = true;
  choices.hidden = false;
  choices.scrollTop = 0;
  box.setAttribute("aria-expanded", "true");
  point(-1);
}

function option(person, place) {
  const made = document.createElement("li");
  const already = person.querySelector(".already");
  made.id = `choice-${place}`;
  made.setAttribute("role", "option");
  if (already) made.setAttribute("aria-disabled", "true");
  made.append(person.querySelector(".person").cloneNode(true));
  if (already) made.append(already.cloneNode(true));
  return made;
}

// The focus stays in the box, which names the one that is meant.
function point(place) {
  meant = place;
  options().forEach((one, at) => one.setAttribute("aria-selected", at === place));
  if (place < 0) return box.removeAttribute("aria-activedescendant");
  box.setAttribute("aria-activedescendant", options()[place].id);
  options()[place].scrollIntoView({ block: "nearest" });
}

function move(step) {
  if (choices.hidden) open();
  const count = options().length;
  if (choices.hidden || count === 0) return;
  const from = meant < 0 && step < 0 ? 0 : meant;
  point((from + step + count) % count);
}

function take(place) {
  const person = people().children[place];
  if (options()[place].hasAttribute("aria-disabled")) return;
  taken = true;
  for (const one of Array.from(people().children)) if (one !== person) one.remove();
  people().nextElementSibling?.remove();
  box.value = person.querySelector(".person strong").textContent;
  close();
  person.querySelector("select").focus();
}

box.addEventListener("keydown", (event) => {
  // Of an input method, which has keys of its own.
  if (event.isComposing) return;
  const isOpen = !choices.hidden;
  if (event.key === "ArrowDown") move(1);
  else if (event.key === "ArrowUp") move(-1);
  else if (event.key === "Escape" && isOpen) close();
  else if (event.key === "Enter" && isOpen && meant >= 0) take(meant);
  else return;
  event.preventDefault();
});
box.addEventListener("input", () => {
  taken = false;
  point(-1);
});
box.addEventListener("blur", close);
// A click would take the focus out of the box, and so close the list, before it is one.
choices.addEventListener("mousedown", (event) => event.preventDefault());
choices.addEventListener("click", (event) => {
  const place = options().indexOf(event.target.closest("[role=option]"));
  if (place >= 0) take(place);
});

document.addEventListener("htmx:afterSwap", () => {
  document.activeElement === box ? open() : close();
});
// Why there is no answer stands below.
document.addEventListener("htmx:responseError", close);
// What was asked before one was taken comes too late.
for (const name of ["htmx:beforeRequest", "htmx:beforeSwap"]) {
  document.addEventListener(name, (event) => {
    if (taken) event.preventDefault();
  });
}
