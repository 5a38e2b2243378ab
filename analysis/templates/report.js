// A click on the name of a column sorts by it, a second click the other way; what is no number comes last.
function value(row, column) {
  const text = row.cells[column].textContent.trim();
  const number = parseFloat(text.replace(/^\[/, ""));
  return { text, number: row.cells[column].tagName === "TD" ? number : NaN };
}

function compare(a, b) {
  if (isNaN(a.number) && isNaN(b.number)) return a.text.localeCompare(b.text, "en", { numeric: true });
  return a.number - b.number;
}

function sort(head) {
  const body = head.closest("table").tBodies[0];
  const descending = head.ariaSort === "ascending";
  const column = head.cellIndex;
  const isNumber = head.classList.contains("number");
  const rows = Array.from(body.rows, (row) => ({ row, value: value(row, column) }));
  rows.sort((a, b) => {
    const missing = isNumber ? isNaN(a.value.number) - isNaN(b.value.number) : 0;
    return missing || (descending ? -1 : 1) * compare(a.value, b.value);
  });
  body.append(...rows.map(({ row }) => row));
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
