// A click on the name of a column sorts by it, a second click the other way; what is no number comes last.
function number(text) {
  return parseFloat(text.replace(/^\[/, ""));
}

function sort(head) {
  const body = head.closest("table").tBodies[0];
  const descending = head.getAttribute("aria-sort") === "ascending";
  const column = head.cellIndex;
  const isNumber = head.classList.contains("number");
  const text = (row) => row.cells[column].textContent;
  const rows = Array.from(body.rows).sort((a, b) => {
    const [one, other] = [text(a), text(b)];
    const direction = descending ? -1 : 1;
    if (!isNumber) return direction * one.localeCompare(other, "en", { numeric: true });
    return isNaN(number(one)) - isNaN(number(other)) || direction * (number(one) - number(other)) || 0;
  });
  body.append(...rows);
  for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
}

for (const button of document.querySelectorAll("thead button")) {
  button.addEventListener("click", () => sort(button.closest("th")));
}

// On paper nothing can be unfolded.
addEventListener("beforeprint", () => {
  for (const notes of document.querySelectorAll("details")) notes.open = true;
});
