// Formats texts, moments and durations in the user's language, for all parts of the live page.
"use strict";

var loopwatchLive = loopwatchLive || {};

// Returns the elements of a row by their `data-field`.
loopwatchLive.fields = (row) =>
    Object.fromEntries([...row.querySelectorAll("[data-field]")].map((element) => [element.dataset.field, element]));

// Fills in the placeholders of a translated text such as "%(count)s new".
loopwatchLive.fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);

// The language and time zone of the site, if the browser supports them.
loopwatchLive.locale = (() => {
    const page = document.getElementById("loopwatch-live-page");
    const known = (language, timeZone) => {
        try {
            new Intl.DateTimeFormat(language, { timeZone });
            return true;
        } catch {
            return false;
        }
    };
    const [language, timeZone] = [document.documentElement.lang, page.dataset.timeZone];
    return { language: known(language) ? language : undefined, timeZone: known("en", timeZone) ? timeZone : undefined };
})();

// Times have 24 hours in any language, as on the other pages.
loopwatchLive.time = (ms) =>
    new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: loopwatchLive.locale.timeZone }).format(ms);

loopwatchLive.duration = (() => {
    const [whole, tenths] = [0, 1].map((maximumFractionDigits) => new Intl.NumberFormat(loopwatchLive.locale.language, { maximumFractionDigits }));
    return (ms) => {
        if (ms < 9.95) return `${tenths.format(ms)} ms`;
        return ms < 999.5 ? `${whole.format(ms)} ms` : `${tenths.format(ms / 1000)} s`;
    };
})();
