// Shows the stalls, newest first, in a table that can be filtered, and grouped by finding. Names are set as text, never as
// markup.
"use strict";

var loopwatchLive = loopwatchLive || {};

loopwatchLive.Lines = class {
    static LIMIT = 200;
    static ROUTES = 100;

    constructor(page) {
        const by = (id) => document.getElementById(id);
        Object.assign(this, { texts: page.dataset, tbody: by("loopwatch-lines"), template: by("loopwatch-line") });
        Object.assign(this, { form: by("loopwatch-filters"), shown: by("loopwatch-shown"), none: by("loopwatch-none") });
        this.routes = by("loopwatch-routes");
        this.noMatch = by("loopwatch-no-match");
        this.goingOn = new Map(); // stall → row
        this.form.addEventListener("input", () => this.filter());
        this.form.addEventListener("submit", (event) => event.preventDefault());
        this.form.addEventListener("reset", () => setTimeout(() => this.clear()));
    }

    add(lines) {
        for (const line of lines) {
            const before = line.stall_id && this.goingOn.get(line.stall_id);
            const row = this.row(line, before);
            if (before) before.replaceWith(row);
            else this.tbody.prepend(row);
            if (line.ongoing) this.goingOn.set(line.stall_id, row);
            else this.goingOn.delete(line.stall_id);
        }
        while (this.tbody.rows.length > loopwatchLive.Lines.LIMIT) {
            this.goingOn.delete(this.tbody.lastElementChild.dataset.stall);
            this.tbody.lastElementChild.remove();
        }
        if (lines.length) this.filter();
    }

    row(line, before) {
        const row = this.template.content.firstElementChild.cloneNode(true);
        const field = loopwatchLive.fields(row);
        const started = new Date(line.started_at_ms);
        field.started.textContent = loopwatchLive.time(started);
        field.started.dateTime = started.toISOString();
        field.ongoing.hidden = !line.ongoing;
        field.finding.href = this.texts.findingUrl.replace("fingerprint", encodeURIComponent(line.fingerprint));
        field.call.textContent = line.headline;
        field.doubt.textContent = { likely: this.texts.likely, "function only": this.texts.functionOnly }[line.doubt] || "";
        field.doubt.hidden = !line.doubt;
        field.function.textContent = line.function === line.headline ? "" : line.function;
        field.place.textContent = line.place;
        field.request.textContent = line.request || this.texts.outside;
        field.cause.textContent = this.cause(line.cause);
        row.figures = {
            count: Math.max(1, line.count, before ? before.figures.count : 0),
            ms: line.duration_ms,
            waiting: line.waiting,
            keptOut: line.kept_out,
        };
        Object.assign(row.dataset, { stall: line.stall_id, fingerprint: line.fingerprint });
        row.dataset.route = field.request.textContent.toLowerCase();
        row.dataset.finding = [line.headline, line.function, line.place, line.fingerprint].join("\n").toLowerCase();
        this.remember(field.request.textContent);
        return row;
    }

    cause(cause) {
        const name = "cause" + cause.replace(/(^| )(\w)/g, (_, _space, letter) => letter.toUpperCase());
        return this.texts[name] || cause;
    }

    // Offers the routes seen so far to the filter.
    remember(route) {
        const options = [...this.routes.children];
        if (options.length >= loopwatchLive.Lines.ROUTES || options.some((option) => option.value === route)) return;
        this.routes.append(Object.assign(document.createElement("option"), { value: route }));
    }

    together(one, other) {
        return {
            count: one.count + other.count,
            ms: Math.max(one.ms, other.ms),
            waiting: one.waiting + other.waiting,
            keptOut: one.keptOut + other.keptOut,
        };
    }

    tell(row, { count, ms, waiting, keptOut }) {
        const field = loopwatchLive.fields(row);
        const duration = loopwatchLive.duration(ms);
        const isGroup = count > row.figures.count;
        field.duration.textContent = isGroup ? loopwatchLive.fill(this.texts.upTo, { duration }) : duration;
        field.count.textContent = count;
        field.waiting.textContent = keptOut ? `${waiting} + ~${keptOut}` : waiting;
    }

    clear() {
        this.form.route.value = this.form.finding.value = "";
        this.form.grouped.checked = false;
        this.filter();
    }

    filter() {
        const [route, finding] = [this.form.route, this.form.finding].map((input) => input.value.trim().toLowerCase());
        const groups = new Map(); // row → the figures that it shows
        const newest = new Map(); // fingerprint → row
        for (const row of this.tbody.rows) {
            const isMatch = row.dataset.route.includes(route) && row.dataset.finding.includes(finding);
            const first = this.form.grouped.checked && newest.get(row.dataset.fingerprint);
            row.hidden = !isMatch || Boolean(first);
            if (!isMatch) continue;
            if (first) groups.set(first, this.together(groups.get(first), row.figures));
            else groups.set(row, row.figures);
            if (!first) newest.set(row.dataset.fingerprint, row);
        }
        for (const [row, figures] of groups) this.tell(row, figures);
        const shown = groups.size;
        const all = this.tbody.rows.length;
        this.none.hidden = all > 0;
        this.noMatch.hidden = !all || shown > 0;
        this.shown.textContent = all ? loopwatchLive.fill(this.texts.shown, { shown, all }) : "";
    }
};
