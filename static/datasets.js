// Drag and drop, the size check and the progress bar of uploads. The forms also work without it.

const form = () => document.querySelector("[data-upload]");

function showFault(text) {
  document.getElementById("file-fault").textContent = text;
  document.getElementById("file").setAttribute("aria-invalid", String(Boolean(text)));
}

function size(bytes) {
  const unit = bytes < 1024 * 1024 ? "KiB" : "MiB";
  const count = bytes / (unit === "KiB" ? 1024 : 1024 * 1024);
  return `${count.toLocaleString("en", { maximumFractionDigits: 1 })} ${unit}`;
}

// Reports a file that is over the limit before its upload.
function isTooLarge(file) {
  const most = Number(form().dataset.maxBytes);
  if (!file || file.size <= most) {
    return false;
  }
  showFault(`This file is too large: ${size(file.size)}. The limit is ${size(most)}.`);
  return true;
}

function waiting(within) {
  const sending = within.querySelector("[data-sending]");
  sending.hidden = false;
  within.querySelector("[type=submit]").disabled = true;
  return sending;
}

function send(upload) {
  const sending = waiting(upload);
  const bar = sending.querySelector("progress");
  const text = sending.querySelector("[data-sending-text]");
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.value = (100 * loaded) / total;
    text.textContent = `Uploading… ${Math.floor(bar.value)} %`;
  });
  request.upload.addEventListener("load", () => {
    bar.removeAttribute("value");
    text.textContent = "Checking file…";
  });
  request.addEventListener("load", () => arrive(request, upload.action));
  request.addEventListener("error", async () => {
    // A server that refuses a file may close the connection before the response arrives. If the
    // session has ended, loading this page redirects to the sign-in page.
    const page = await fetch(location.href).catch(() => null);
    if (page?.redirected) {
      location.assign(page.url);
      return;
    }
    sending.hidden = true;
    upload.querySelector("[type=submit]").disabled = false;
    showFault("Upload failed: the connection was lost or the file changed. Try again.");
  });
  request.open("POST", upload.action);
  request.send(new FormData(upload));
}

// Shows the response as if the browser had submitted the form.
function arrive(request, sentTo) {
  if (request.responseURL && request.responseURL !== sentTo) {
    location.assign(request.responseURL);
    return;
  }
  const answer = new DOMParser().parseFromString(request.responseText, "text/html");
  document.body.replaceWith(answer.body);
  document.querySelector("[autofocus]")?.focus();
}

document.addEventListener("submit", (event) => {
  const upload = event.target.closest("[data-upload]");
  if (upload) {
    const [file] = upload.elements.file.files;
    if (file) {
      event.preventDefault();
      if (!isTooLarge(file)) {
        send(upload);
      }
    }
    return;
  }
  const storing = event.target.closest("[data-storing]");
  if (storing) {
    waiting(storing);
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-upload] [type=file]")) {
    showFault("");
    isTooLarge(event.target.files[0]);
  }
});

for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (!form() || !event.dataTransfer?.types.includes("Files")) {
      return;
    }
    // By default, the browser opens a file that is dropped outside the zone and leaves the page.
    event.preventDefault();
    const zone = document.querySelector("[data-drop]");
    const isOver = zone.contains(event.target);
    zone.classList.toggle("over", isOver && kind !== "drop" && kind !== "dragleave");
    if (kind === "drop" && isOver && event.dataTransfer.files.length > 0) {
      const input = document.getElementById("file");
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      form().querySelector("[type=submit]").focus();
    }
  });
}
