/* Keys for the findings: j and k go through the list, r resolves and i ignores. A value in a sentence
 * chooses it. A link with data-copied copies its text, and is followed if that fails. Links and buttons do the same without this script. */

const links = [...document.querySelectorAll("#result_list .field-call a")];

function move(step) {
    const next = links.indexOf(document.activeElement) + step;
    links[Math.min(Math.max(next, 0), links.length - 1)]?.focus();
}

function press(status) {
    document.querySelector(`.loopwatch-buttons button[value="${status}"]`)?.click();
}

const keys = { j: () => move(1), k: () => move(-1), r: () => press("resolved"), i: () => press("ignored") };

document.addEventListener("keydown", (event) => {
    const types = event.target.closest("input, select, textarea, [role=tree]");
    if (!types && !event.ctrlKey && !event.metaKey && !event.altKey) {
        keys[event.key]?.();
    }
});

document.querySelectorAll(".loopwatch-choices > div").forEach((sentence) => sentence.addEventListener("input", () => {
    sentence.querySelector("[type=radio]").checked = true;
}));

document.querySelectorAll("[data-copied]").forEach((link) => link.addEventListener("click", async (event) => {
    event.preventDefault();
    try {
        // After the session has ended, the answer leads to the page of the login.
        const response = await fetch(link.href, { redirect: "error" });
        if (!response.ok) throw new Error(response.statusText);
        await navigator.clipboard.writeText(await response.text());
        link.textContent = link.dataset.copied;
    } catch {
        window.location.assign(link.href);
    }
}));
