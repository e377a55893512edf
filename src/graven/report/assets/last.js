/* Behind the numbers in the page, so that the overview is there before they are read. */
"use strict";
unpackNumbers().then(
  () => document.dispatchEvent(new Event("numbers")),
  (error) => document.querySelector("main").prepend(el("p", { class: "note warn" },
    `the values in this page cannot be read (${error.message}); a browser of 2023 or later is needed`)),
);
