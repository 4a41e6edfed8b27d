// Shows how long each loop was blocked in each of the last seconds, as a chart with uPlot and as a table.
// A second of which nothing is known, such as one before the page was opened, is not a second of 0 ms.
"use strict";

var loopwatchLive = loopwatchLive || {};

loopwatchLive.Health = class {
    static SECONDS = 120;
    static LATELY = 10;
    static CURVES = 6;
    static HEIGHT_PX = 180;
    static COLOURS = ["--link-fg", "--error-fg", "--object-tools-bg", "--button-bg", "--accent", "--body-quiet-color"];

    // `texts` are the page's data attributes.
    constructor(chart, tbody, template, texts) {
        Object.assign(this, { chart, tbody, template, texts });
        this.blocked = new Map(); // process → Map of second → milliseconds
        this.late = new Map(); // second → milliseconds, of the process that serves the page
        this.rows = new Map();
        this.spans = []; // what is known: { process, from, heard, to }, one for each connection
        this.isCurrent = false;
        this.serving = "";
        this.offsetMs = 0;
        this.plot = null;
        new ResizeObserver(() => this.fit()).observe(chart);
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.restart());
        new MutationObserver(() => this.restart()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    }

    add(message) {
        this.offsetMs = message.now_ms - Date.now();
        this.serving = message.process;
        this.isCurrent = true;
        const second = Math.floor(message.now_ms / 1000);
        this.of(message.process);
        if ("known_since_s" in message) this.connected(message.process, message.known_since_s, second);
        const span = this.spans.at(-1);
        if ("late_ms" in message) {
            // The figure is of the time since the message before it.
            for (let at = Math.min(span.to + 1, second); at <= second; at++) {
                this.late.set(at, Math.max(message.late_ms, this.late.get(at) || 0));
            }
        }
        span.to = second;
        for (const [process, seconds] of Object.entries(message.blocked)) {
            const known = this.of(process);
            for (const [at, blockedMs] of seconds) known.set(at, (known.get(at) || 0) + blockedMs);
        }
        this.forget(second - loopwatchLive.Health.SECONDS);
    }

    // The first message of a connection replaces what was known of the time that it tells of.
    connected(process, since, now) {
        this.spans.push({ process, from: since, heard: now, to: now });
        const seconds = this.of(process);
        for (const second of [...seconds.keys()]) if (second >= since) seconds.delete(second);
    }

    // Other processes are heard only through a shared layer, and not before the page has connected.
    isKnown(process, second) {
        const isTold = (span) => (span.process === process ? second >= span.from : this.texts.shared && second >= span.heard);
        return this.spans.some((span) => second <= span.to && isTold(span));
    }

    value(process, second) {
        return this.blocked.get(process).get(second) ?? (this.isKnown(process, second) ? 0 : null);
    }

    of(process) {
        if (!this.blocked.has(process)) this.blocked.set(process, new Map());
        return this.blocked.get(process);
    }

    forget(before) {
        for (const seconds of [this.late, ...this.blocked.values()]) {
            for (const second of seconds.keys()) if (second < before) seconds.delete(second);
        }
        for (const [process, seconds] of this.blocked) {
            if (!seconds.size && process !== this.serving) this.blocked.delete(process);
        }
        this.spans = this.spans.filter((span) => span.to >= before);
    }

    now() {
        return Math.floor((Date.now() + this.offsetMs) / 1000);
    }

    draw() {
        if (!this.serving) return; // no message has arrived yet
        const now = this.now();
        this.tabulate();
        const processes = [...this.blocked.keys()].slice(0, loopwatchLive.Health.CURVES);
        const key = processes.join("\n");
        if (key !== this.drawn) this.restart(processes, key);
        const { SECONDS } = loopwatchLive.Health;
        const seconds = Array.from({ length: SECONDS }, (_, i) => now - SECONDS + 1 + i);
        const late = seconds.map((second) => this.late.get(second) ?? null);
        this.plot.setData([seconds, late, ...processes.map((process) => seconds.map((second) => this.value(process, second)))]);
    }

    tabulate() {
        const sum = (known) => known.reduce((total, ms) => total + ms, 0);
        for (const [process, row] of this.rows) {
            if (!this.blocked.has(process)) {
                row.remove();
                this.rows.delete(process);
            }
        }
        const until = this.spans.at(-1).to;
        const late = Math.max(this.late.get(until) || 0, this.late.get(until - 1) || 0);
        for (const process of this.blocked.keys()) {
            const values = (count) => Array.from({ length: count }, (_, i) => this.value(process, until - i));
            const field = loopwatchLive.fields(this.row(process));
            field.process.textContent = process;
            field.lately.textContent = this.figure(values(loopwatchLive.Health.LATELY), sum);
            field.together.textContent = this.figure(values(loopwatchLive.Health.SECONDS), sum);
            field.worst.textContent = this.figure(values(loopwatchLive.Health.SECONDS), (known) => Math.max(...known));
            const isServing = process === this.serving && this.isCurrent;
            field.late.textContent = isServing ? loopwatchLive.duration(late) : "–";
        }
    }

    // A figure of seconds some of which are unknown is at least what is known; without a connection, nothing is known.
    figure(values, of) {
        const known = values.filter((value) => value !== null);
        if (!known.length || !this.isCurrent) return "–";
        return (known.length < values.length ? "≥ " : "") + loopwatchLive.duration(of(known));
    }

    row(process) {
        if (!this.rows.has(process)) {
            const row = this.template.content.firstElementChild.cloneNode(true);
            this.rows.set(process, row);
            this.tbody.append(row);
        }
        return this.rows.get(process);
    }

    restart(processes = this.processes || [], key = this.drawn) {
        Object.assign(this, { processes, drawn: key });
        if (this.plot) this.plot.destroy();
        if (!this.serving) return;
        const curves = this.curves(processes);
        this.plot = new uPlot(this.options(curves), [[], ...curves.map(() => [])], this.chart);
    }

    // One curve for the delay of the loop that serves the page, and one for each process. Curves also differ in their
    // dashes, for users who cannot distinguish the colours.
    curves(processes) {
        const { COLOURS } = loopwatchLive.Health;
        const curve = (label, colour, dash) => ({
            label,
            dash,
            stroke: this.colour(colour),
            width: 2,
            paths: uPlot.paths.stepped({ align: 1 }),
            points: { show: false },
        });
        const late = loopwatchLive.fill(this.texts.late, { process: this.serving });
        const blocked = (process) => loopwatchLive.fill(this.texts.blocked, { process });
        return [
            curve(late, "--body-quiet-color", [2, 3]),
            ...processes.map((process, i) => curve(blocked(process), COLOURS[i], i ? [2 + 4 * i, 3] : undefined)),
        ];
    }

    options(curves) {
        const grid = { stroke: this.colour("--hairline-color"), width: 1 };
        const axis = { stroke: this.colour("--body-quiet-color"), grid, ticks: { show: false } };
        return {
            width: this.chart.clientWidth || 600,
            height: loopwatchLive.Health.HEIGHT_PX,
            padding: [10, 30, 0, 0],
            tzDate: (second) => uPlot.tzDate(new Date(second * 1000), loopwatchLive.locale.timeZone),
            scales: { y: { range: (_, low, high) => [0, Math.max(100, this.texts.thresholdMs * 1.2, high * 1.1 || 0)] } },
            axes: [
                { ...axis, space: 100, values: (_, ticks) => ticks.map((second) => loopwatchLive.time(second * 1000)) },
                { ...axis, size: 70, values: (_, ticks) => ticks.map((ms) => loopwatchLive.duration(ms)) },
            ],
            series: [{}, ...curves],
            legend: { live: false, markers: { dash: (_, i) => ["", "dotted", "solid"][i] || "dashed" } },
            cursor: { show: false },
            hooks: { drawClear: [(plot) => this.hatch(plot)], draw: [(plot) => this.markThreshold(plot)] },
        };
    }

    // Hatches the seconds of which nothing is known.
    hatch(plot) {
        const { ctx, bbox, data } = plot;
        const latest = this.isCurrent ? this.spans.at(-1).to : this.now();
        const isUnknown = (i) => data[0][i] <= latest && data.slice(1).every((values) => values[i] === null);
        ctx.save();
        ctx.strokeStyle = this.colour("--hairline-color");
        for (let i = 0; i < data[0].length; i++) {
            if (!isUnknown(i)) continue;
            const [left, right] = [0, 1].map((seconds) => plot.valToPos(data[0][i] + seconds, "x", true));
            ctx.save();
            ctx.beginPath();
            ctx.rect(left, bbox.top, right - left, bbox.height);
            ctx.clip();
            ctx.beginPath();
            // Lines of the whole chart, so that those of adjacent seconds meet.
            for (let x = bbox.left - bbox.height; x < bbox.left + bbox.width; x += 8) {
                ctx.moveTo(x, bbox.top + bbox.height);
                ctx.lineTo(x + bbox.height, bbox.top);
            }
            ctx.stroke();
            ctx.restore();
        }
        ctx.restore();
    }

    // A pause as long as the threshold is a stall.
    markThreshold(plot) {
        const { ctx, bbox } = plot;
        const y = plot.valToPos(this.texts.thresholdMs, "y", true);
        ctx.save();
        ctx.strokeStyle = this.colour("--error-fg");
        ctx.setLineDash([6, 6]);
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
        ctx.restore();
    }

    colour(name) {
        return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "gray";
    }

    fit() {
        if (this.plot) this.plot.setSize({ width: this.chart.clientWidth, height: loopwatchLive.Health.HEIGHT_PX });
    }
};
