
const cards = () => [...document.querySelectorAll("#records .card")].filter(card => card.offsetParent);
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || !["j", "k"].includes(event.key)) return;
  const shown = cards();
  if (!shown.length) return;
  const here = shown.indexOf(document.activeElement.closest(".card"));
  const next = event.key === "j" ? here + 1 : here < 0 ? 0 : here - 1;
  const card = shown[Math.min(Math.max(next, 0), shown.length - 1)];
  card.focus({preventScroll: true});
  card.scrollIntoView({block: "start"});
  event.preventDefault();
});
