// Copy buttons, dialogs and menus. Every page also works without this script.

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const text = source.value ?? source.textContent;
  const message = (await written(text, source)) ? "Copied" : "Press Ctrl+C";
  const label = button.querySelector("[data-label]");
  button.dataset.label ??= label.textContent;
  label.textContent = message;
  button.classList.toggle("done", message === "Copied");
  clearTimeout(button.timer);
  button.timer = setTimeout(() => {
    label.textContent = button.dataset.label;
    button.classList.remove("done");
  }, 2500);
  announce(message);
}

// Browsers allow the clipboard on secure pages only (https, localhost), so elsewhere the text is selected.
async function written(text, source) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (source.select) {
      source.select();
    } else {
      getSelection().selectAllChildren(source);
    }
    return document.execCommand("copy");
  }
}

function announce(text) {
  let region = document.getElementById("announcement");
  if (!region) {
    region = document.createElement("p");
    region.id = "announcement";
    region.className = "visually-hidden";
    region.setAttribute("role", "status");
    document.body.append(region);
  }
  region.textContent = text;
}

// Reopens a dialog that the server rendered open as modal, which keeps the focus inside.
function raise(dialog) {
  dialog.close();
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    copy(button);
    return;
  }
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.dialog).showModal();
    return;
  }
  if (event.target.matches("dialog[open]")) {
    event.target.close(); // the target of a click on the backdrop is the dialog
  }
});

// A <details> menu opens without a script; Escape and a click outside close it.
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(except)) {
      menu.open = false;
    }
  }
}

document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.querySelectorAll("dialog[open]").forEach(raise);
