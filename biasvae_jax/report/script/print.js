// On paper the page is light, one column wide, and whole.
const opened = [];
addEventListener("beforeprint", () => {
  opened.push(...document.querySelectorAll("details:not([open])"));
  for (const each of opened) each.open = true;
  document.documentElement.classList.add("printed");
  redraw();
});
addEventListener("afterprint", () => {
  for (const each of opened.splice(0)) each.open = false;
  document.documentElement.classList.remove("printed");
  redraw();
});
