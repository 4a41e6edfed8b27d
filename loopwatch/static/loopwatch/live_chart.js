// Shows how long each loop was blocked in each of the last seconds, as a chart with uPlot and as a table.
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
        const second = Math.floor(message.now_ms / 1000);
        this.late.set(second, Math.max(message.late_ms, this.late.get(second) || 0));
        this.of(message.process);
        for (const [process, seconds] of Object.entries(message.blocked)) {
            const known = this.of(process);
            for (const [at, blockedMs] of seconds) known.set(at, (known.get(at) || 0) + blockedMs);
        }
        this.forget(second - loopwatchLive.Health.SECONDS);
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
    }

    now() {
        return Math.floor((Date.now() + this.offsetMs) / 1000);
    }

    draw() {
        if (!this.serving) return; // no message has arrived yet
        const now = this.now();
        this.tabulate(now);
        const processes = [...this.blocked.keys()].slice(0, loopwatchLive.Health.CURVES);
        const key = processes.join("\n");
        if (key !== this.drawn) this.restart(processes, key);
        const { SECONDS } = loopwatchLive.Health;
        const seconds = Array.from({ length: SECONDS }, (_, i) => now - SECONDS + 1 + i);
        const values = (bySecond) => seconds.map((second) => bySecond.get(second) || 0);
        this.plot.setData([seconds, values(this.late), ...processes.map((process) => values(this.blocked.get(process)))]);
    }

    tabulate(now) {
        for (const [process, row] of this.rows) {
            if (!this.blocked.has(process)) {
                row.remove();
                this.rows.delete(process);
            }
        }
        const late = Math.max(this.late.get(now) || 0, this.late.get(now - 1) || 0);
        for (const [process, seconds] of this.blocked) {
            const values = [...seconds];
            const sum = (since) => values.reduce((total, [at, ms]) => (at > now - since ? total + ms : total), 0);
            const field = loopwatchLive.fields(this.row(process));
            field.process.textContent = process;
            field.lately.textContent = loopwatchLive.duration(sum(loopwatchLive.Health.LATELY));
            field.together.textContent = loopwatchLive.duration(sum(loopwatchLive.Health.SECONDS));
            field.worst.textContent = loopwatchLive.duration(Math.max(0, ...values.map(([, ms]) => ms)));
            if (process === this.serving) field.late.textContent = loopwatchLive.duration(late);
        }
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
            scales: { y: { range: (_, low, high) => [0, Math.max(100, high * 1.1 || 0)] } },
            axes: [
                { ...axis, space: 100, values: (_, ticks) => ticks.map((second) => loopwatchLive.time(second * 1000)) },
                { ...axis, size: 70, values: (_, ticks) => ticks.map((ms) => loopwatchLive.duration(ms)) },
            ],
            series: [{}, ...curves],
            legend: { live: false, markers: { dash: (_, i) => ["", "dotted", "solid"][i] || "dashed" } },
            cursor: { show: false },
        };
    }

    colour(name) {
        return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "gray";
    }

    fit() {
        if (this.plot) this.plot.setSize({ width: this.chart.clientWidth, height: loopwatchLive.Health.HEIGHT_PX });
    }
};
