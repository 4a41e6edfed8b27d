// How long each loop was blocked in each of the last seconds: drawn with uPlot, and beside it as a table.
"use strict";

var loopwatchLive = loopwatchLive || {};

loopwatchLive.Health = class {
    static SECONDS = 120;
    static LATELY = 10;
    static CURVES = 6;
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
        const now = this.now();
        this.tabulate(now);
        const processes = [...this.blocked.keys()].slice(0, loopwatchLive.Health.CURVES);
        const key = processes.join("\n");
        if (key !== this.drawn) this.restart(processes, key);
        const seconds = Array.from({ length: loopwatchLive.Health.SECONDS }, (_, i) => now - loopwatchLive.Health.SECONDS + 1 + i);
        const curve = (values) => seconds.map((second) => values.get(second) || 0);
        this.plot.setData([seconds, curve(this.late), ...processes.map((process) => curve(this.blocked.get(process)))]);
    }

    tabulate(now) {
        for (const [process, row] of this.rows) {
            if (!this.blocked.has(process)) {
                row.remove();
                this.rows.delete(process);
            }
        }
        for (const [process, seconds] of this.blocked) {
            const values = [...seconds];
            const sum = (since) => values.reduce((total, [at, ms]) => (at > now - since ? total + ms : total), 0);
            const field = loopwatchLive.fields(this.row(process));
            field.process.textContent = process;
            field.lately.textContent = loopwatchLive.duration(sum(loopwatchLive.Health.LATELY));
            field.together.textContent = loopwatchLive.duration(sum(loopwatchLive.Health.SECONDS));
            field.worst.textContent = loopwatchLive.duration(Math.max(0, ...values.map(([, ms]) => ms)));
            if (process === this.serving) field.late.textContent = loopwatchLive.duration(this.late.get(now) || this.late.get(now - 1) || 0);
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

    // Curves differ in their dashes too, for those who cannot tell the colours apart.
    restart(processes = this.processes || [], key = this.drawn) {
        Object.assign(this, { processes, drawn: key });
        if (this.plot) this.plot.destroy();
        this.chart.replaceChildren();
        const style = getComputedStyle(document.documentElement);
        const colour = (name) => style.getPropertyValue(name).trim() || "gray";
        const axis = { stroke: colour("--body-quiet-color"), grid: { stroke: colour("--hairline-color"), width: 1 }, ticks: { show: false } };
        const stepped = uPlot.paths.stepped({ align: 1 });
        const curves = processes.map((process, index) => ({
            label: loopwatchLive.fill(this.texts.blocked, { process }),
            stroke: colour(loopwatchLive.Health.COLOURS[index]),
            width: 2,
            dash: index ? [2 + 4 * index, 3] : undefined,
            paths: stepped,
            points: { show: false },
        }));
        const late = { ...curves[0], label: loopwatchLive.fill(this.texts.late, { process: this.serving }), stroke: colour("--body-quiet-color"), width: 2, dash: [2, 3] };
        const options = {
            width: this.chart.clientWidth || 600,
            height: 180,
            tzDate: (second) => uPlot.tzDate(new Date(second * 1000), loopwatchLive.locale.timeZone),
            scales: { y: { range: (_, low, high) => [0, Math.max(100, high * 1.1 || 0)] } },
            padding: [10, 30, 0, 0],
            axes: [
                { ...axis, space: 100, values: (_, ticks) => ticks.map((second) => loopwatchLive.time(second * 1000)) },
                { ...axis, size: 70, values: (_, ticks) => ticks.map((ms) => loopwatchLive.duration(ms)) },
            ],
            series: [{}, late, ...curves],
            legend: { live: false },
            cursor: { show: false },
        };
        this.plot = new uPlot(options, [[], [], ...curves.map(() => [])], this.chart);
    }

    fit() {
        if (this.plot) this.plot.setSize({ width: this.chart.clientWidth, height: 180 });
    }
};
