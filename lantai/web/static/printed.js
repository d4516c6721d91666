// A page about a record or case file that goes to the printer is entered in the use register as printed.
const told = document.querySelector("form[data-printed]");
if (told && navigator.sendBeacon) {
  window.addEventListener("beforeprint", () => {
    navigator.sendBeacon(told.action, new URLSearchParams(new FormData(told)));
  });
}
