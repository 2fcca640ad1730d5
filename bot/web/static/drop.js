// A file dropped on the form is chosen and sent at once; without this script the form works as it stands.
(() => {
  "use strict";
  for (const form of document.querySelectorAll("[data-drop]")) {
    const field = form.querySelector('input[type="file"]');
    const told = form.querySelector("[data-sending]");
    const over = (is) => (event) => { event.preventDefault(); form.classList.toggle("is-over", is); };
    form.addEventListener("dragenter", over(true));
    form.addEventListener("dragover", over(true));
    form.addEventListener("dragleave", over(false));
    form.addEventListener("drop", (event) => {
      over(false)(event);
      if (event.dataTransfer.files.length !== 1) return;
      field.files = event.dataTransfer.files;
      form.requestSubmit();
    });
    form.addEventListener("submit", () => {
      told.textContent = told.dataset.sending;
      form.querySelector("button").disabled = true;
    });
  }
  // A file that misses the form must not take the page's place.
  for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
})();
