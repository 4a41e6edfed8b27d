// What the parts of the live page share: texts, moments and durations in the reader's language.
"use strict";

var loopwatchLive = loopwatchLive || {};

// The elements of a row by their `data-field`.
loopwatchLive.fields = (row) =>
    Object.fromEntries([...row.querySelectorAll("[data-field]")].map((element) => [element.dataset.field, element]));

// A translated text with its gaps filled: "%(count)s new".
loopwatchLive.fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);

// The site's language and time zone, as far as the browser knows them.
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

loopwatchLive.time = (ms) =>
    new Intl.DateTimeFormat(loopwatchLive.locale.language, { timeStyle: "medium", timeZone: loopwatchLive.locale.timeZone }).format(ms);

loopwatchLive.duration = (() => {
    const [whole, tenths] = [0, 1].map((maximumFractionDigits) => new Intl.NumberFormat(loopwatchLive.locale.language, { maximumFractionDigits }));
    return (ms) => {
        if (ms < 9.95) return `${tenths.format(ms)} ms`;
        return ms < 999.5 ? `${whole.format(ms)} ms` : `${tenths.format(ms / 1000)} s`;
    };
})();
