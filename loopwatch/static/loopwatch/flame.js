/* Draws the flame graph of a finding or an event: callers above their callees, each as wide as the time it took.
 *
 * Everything is set as an SVG attribute or as text, never as style or markup, so that the script works under a strict
 * Content-Security-Policy and with any function name. The tree on the page shows the same without this script. */

const SVG = "http://www.w3.org/2000/svg";
const ROW_PX = 20;
const NARROWEST_PX = 1;
const NARROWEST_TEXT_PX = 24;
const PADDING_PX = 4;
const FOLDED_FROM = 3;
const CHANGED_FROM = 0.01;
const PACKAGES_NAMED = 3;

function element(name, attributes = {}, text = "") {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) {
        made.setAttribute(key, value);
    }
    made.textContent = text;
    return made;
}

function html(name, properties = {}) {
    return Object.assign(document.createElement(name), properties);
}

function packageOf(name) {
    return name.split(".", 1)[0];
}

/* Returns the root of all stacks as an object, with everything that it called in `inner`. */
function treeOf(drawing, rootName) {
    const root = { name: rootName, file: "", isOwn: false, line: 0, total: drawing.total_ms, self: 0, change: 0, inner: [] };
    const nodes = [root];
    for (const [frame, parentIndex, line, total, self, shareBefore] of drawing.nodes) {
        const [name, file, isOwn] = drawing.frames[frame];
        const change = shareBefore === undefined ? 0 : total / root.total - shareBefore;
        const node = { name, file, isOwn: Boolean(isOwn), line, total, self, change, inner: [] };
        nodes[parentIndex + 1].inner.push(node);
        nodes.push(node);
    }
    return root;
}

/* Returns the frames from this one on that are not in-app, and only call one another. */
function runFrom(node, unfolded) {
    const run = [];
    for (let at = node; !at.isOwn && at.inner.length === 1 && !at.self && !unfolded.has(at); at = at.inner[0]) {
        run.push(at);
    }
    return run;
}

/* Returns the nodes to draw, the root first: each has its parent, its children and its place. Runs are folded. */
function shownNodes(root, isFolding, unfolded, nameOfRun) {
    const nodes = [];
    const waiting = [[root, null, 0]];
    while (waiting.length) {
        const [found, parent, start] = waiting.pop();
        const run = isFolding && parent ? runFrom(found, unfolded) : [];
        const isRun = run.length >= FOLDED_FROM;
        const node = isRun ? { ...found, name: nameOfRun(run), file: "", line: 0, run, inner: run.at(-1).inner } : found;
        Object.assign(node, { parent, start, depth: parent ? parent.depth + 1 : 0, children: [] });
        node.isShaded = Boolean(parent) && packageOf(node.name) !== packageOf(parent.name) ? !parent.isShaded : Boolean(parent?.isShaded);
        parent?.children.push(node);
        nodes.push(node);
        let end = start;
        const below = node.inner.map((each) => {
            end += each.total;
            return [each, node, end - each.total];
        });
        waiting.push(...below.reverse());
    }
    return nodes;
}

const language = document.documentElement.lang || undefined;
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });

function duration(ms) {
    if (ms >= 1000) {
        return `${tenths.format(ms / 1000)} s`;
    }
    return `${(ms < 10 ? tenths : whole).format(ms)} ms`;
}

function percent(part, total) {
    const share = total ? (100 * part) / total : 0;
    return `${(share < 10 ? tenths : whole).format(share)} %`;
}

/* Returns by how much of all time a node's share has grown or shrunk since the release that it is compared with. */
function changeOf(node) {
    return Math.abs(node.change) < CHANGED_FROM ? "" : ` (${node.change > 0 ? "+" : "−"}${percent(Math.abs(node.change), 1)})`;
}

/* Returns as much of the end of a qualified name as fits, because the end is the most specific part. */
function fitting(name, characters) {
    let shown = name;
    while (shown.length > characters && shown.includes(".")) {
        shown = shown.slice(shown.indexOf(".") + 1);
    }
    return shown.length <= characters ? shown : `${shown.slice(0, Math.max(characters - 1, 0))}…`;
}

class FlameGraph {
    constructor(host, drawing) {
        this.host = host;
        this.text = host.dataset;
        this.root = this.zoomed = this.focused = treeOf(drawing, this.text.textAll);
        this.hidden = drawing.hidden;
        this.drawn = new Map();
        this.unfolded = new Set();
        this.build();
        this.layOut();
        this.scrollToOwnCode();
        new ResizeObserver(() => this.resized()).observe(this.frame);
    }

    build() {
        this.search = html("input", { type: "search", autocomplete: "off", spellcheck: false });
        const label = html("label", { textContent: `${this.text.textSearch} ` });
        label.append(this.search);
        this.found = html("output");
        this.out = html("button", { type: "button", className: "button", textContent: this.text.textOut });
        const legend = html("span", { className: "loopwatch-flame-legend", textContent: this.text.textOwn });
        this.folding = html("input", { type: "checkbox", checked: true });
        const folding = html("label");
        folding.append(this.folding, ` ${this.text.textFold}`);
        const tools = html("div", { className: "loopwatch-flame-tools" });
        tools.append(label, this.found, folding, this.out, legend);

        this.svg = element("svg", { role: "tree", "aria-labelledby": "loopwatch-flame", direction: "ltr" });
        this.frame = html("div", { className: "loopwatch-flame-frame" });
        this.frame.append(this.svg);
        this.detail = html("p", { className: "loopwatch-flame-detail" });
        this.detail.setAttribute("role", "status");
        const keys = html("p", { className: "quiet", textContent: this.text.textKeys });
        this.narrow = html("p", { className: "quiet" });
        this.host.append(tools, this.frame, this.narrow, this.detail, keys);

        this.search.addEventListener("input", () => this.find());
        this.search.addEventListener("keydown", (event) => this.searchKey(event));
        this.out.addEventListener("click", () => this.zoom(this.root));
        this.folding.addEventListener("change", () => {
            this.unfolded.clear();
            this.layOut();
            this.scrollToOwnCode();
        });
        this.svg.addEventListener("keydown", (event) => this.key(event));
        this.svg.addEventListener("click", (event) => this.onNode(event, (node) => this.enter(node)));
        this.svg.addEventListener("pointerover", (event) => this.onNode(event, (node) => this.describe(node)));
        this.svg.addEventListener("focusin", (event) => this.onNode(event, (node) => this.focusedOn(node)));
    }

    layOut() {
        const nameOfRun = (run) => {
            const packages = [...new Set(run.map((node) => packageOf(node.name)))];
            const named = packages.slice(0, PACKAGES_NAMED).join(", ") + (packages.length > PACKAGES_NAMED ? ", …" : "");
            return `▸ ${this.text.textFrames.replace("%s", whole.format(run.length))}: ${named}`;
        };
        this.nodes = shownNodes(this.root, this.folding.checked, this.unfolded, nameOfRun);
        this.indices = new Map(this.nodes.map((each, index) => [each, index]));
        this.zoomed = this.indices.has(this.zoomed) ? this.zoomed : this.root;
        this.focused = this.indices.has(this.focused) ? this.focused : this.zoomed;
        this.find();
    }

    onNode(event, act) {
        const group = event.target.closest("[data-node]");
        if (group) {
            act(this.nodes[Number(group.dataset.node)]);
        }
    }

    /* Draws the callers of the zoomed node at full width, and the nodes below it that are wide enough. */
    visible() {
        const found = [];
        for (let node = this.zoomed.parent; node; node = node.parent) {
            found.unshift(node);
        }
        this.tooNarrow = this.hidden;
        const waiting = [this.zoomed];
        while (waiting.length) {
            const node = waiting.pop();
            found.push(node);
            const wide = node.children.filter((child) => child.total * this.scale >= NARROWEST_PX);
            this.tooNarrow += node.children.length - wide.length;
            waiting.push(...wide.reverse());
        }
        return found;
    }

    draw() {
        this.width = Math.max(this.frame.clientWidth, 1);
        this.scale = this.zoomed.total ? this.width / this.zoomed.total : 0;
        this.measure();
        const hadFocus = this.svg.contains(document.activeElement);
        const visible = this.visible();
        const depth = visible.reduce((deepest, node) => Math.max(deepest, node.depth), 0);
        const height = (depth + 1) * ROW_PX;
        for (const [key, value] of [["width", this.width], ["height", height]]) {
            this.svg.setAttribute(key, value);
        }
        if (!visible.includes(this.focused)) {
            this.focused = this.zoomed;
        }
        this.rows = [];
        this.drawn = new Map(visible.map((node) => [node, this.group(node)]));
        this.svg.replaceChildren(...this.drawn.values());
        this.out.disabled = this.zoomed === this.root;
        const isNoted = this.tooNarrow > 0;
        this.narrow.textContent = isNoted ? this.text.textNarrow.replace("%s", whole.format(this.tooNarrow)) : "";
        if (hadFocus) {
            this.drawn.get(this.focused).focus({ preventScroll: true });
        }
    }

    /* Returns the width of a character of the monospaced font. */
    measure() {
        const probe = element("text", {}, "0".repeat(20));
        this.svg.append(probe);
        this.characterPx = probe.getComputedTextLength() / 20 || 7;
        probe.remove();
    }

    group(node) {
        const isAbove = node.depth < this.zoomed.depth;
        const x = isAbove ? 0 : (node.start - this.zoomed.start) * this.scale;
        const width = isAbove ? this.width : node.total * this.scale;
        const kinds = ["loopwatch-flame-node"];
        for (const [kind, holds] of [
            ["shaded", node.isShaded], ["own", node.isOwn], ["above", isAbove], ["root", node === this.root], ["match", this.matches.has(node)],
            ["more", node.change >= CHANGED_FROM], ["less", node.change <= -CHANGED_FROM],
        ]) {
            if (holds) {
                kinds.push(`loopwatch-flame-${kind}`);
            }
        }
        const made = element("g", {
            class: kinds.join(" "),
            role: "treeitem",
            tabindex: node === this.focused ? 0 : -1,
            transform: `translate(${x.toFixed(2)} ${node.depth * ROW_PX})`,
            "aria-level": node.depth + 1,
            "aria-label": this.label(node),
            "data-node": this.indices.get(node),
        });
        if (node.run) {
            made.setAttribute("aria-expanded", "false");
        }
        made.append(element("rect", { width: Math.max(width - 1, 0.5).toFixed(2), height: ROW_PX - 1 }));
        if (width >= NARROWEST_TEXT_PX) {
            const characters = Math.floor((width - 2 * PADDING_PX) / this.characterPx);
            const place = { x: PADDING_PX, y: ROW_PX - 6, "aria-hidden": "true" };
            made.append(element("text", place, fitting(node.name, characters)));
        }
        (this.rows[node.depth] ??= []).push(node);
        return made;
    }

    label(node) {
        return `${node.name}, ${percent(node.total, this.root.total)}${changeOf(node)}, ${duration(node.total)}`;
    }

    describe(node) {
        const place = node.file ? `${node.file}${node.line ? `:${node.line}` : ""}` : "";
        const figures = `${duration(node.total)}, ${percent(node.total, this.root.total)}${changeOf(node)}`;
        const self = node.self ? `; ${duration(node.self)} ${this.text.textSelf}` : "";
        const name = html("strong", { textContent: node.name });
        this.detail.replaceChildren(name, ` ${place} · ${figures}${self}`);
    }

    focusedOn(node) {
        this.drawn.get(this.focused)?.setAttribute("tabindex", -1);
        this.focused = node;
        this.drawn.get(node)?.setAttribute("tabindex", 0);
        this.describe(node);
    }

    focus(node) {
        this.drawn.get(node)?.focus();
    }

    zoom(node) {
        this.zoomed = node;
        this.focused = node;
        this.draw();
        this.describe(node);
    }

    /* Shows the frames of a run, or zooms into any other node. */
    enter(node) {
        if (!node.run) {
            this.zoom(node);
            return;
        }
        node.run.forEach((each) => this.unfolded.add(each));
        const hadFocus = this.svg.contains(document.activeElement);
        [this.focused] = node.run;
        this.layOut();
        if (hadFocus) {
            this.focus(this.focused);
        }
    }

    key(event) {
        const node = this.focused;
        const row = this.rows[node.depth];
        const moves = {
            ArrowDown: () => this.focus(node.children[0]),
            ArrowUp: () => this.focus(node.parent),
            ArrowRight: () => this.focus(row[row.indexOf(node) + 1]),
            ArrowLeft: () => this.focus(row[row.indexOf(node) - 1]),
            Home: () => this.focus(this.root),
            Enter: () => this.enter(node),
            " ": () => this.enter(node),
            Escape: () => this.zoom(this.root),
        };
        const move = event.ctrlKey || event.metaKey || event.altKey ? null : moves[event.key];
        if (move) {
            event.preventDefault();
            move();
        }
    }

    find() {
        const wanted = this.search.value.trim().toLowerCase();
        const isNamed = (node) => `${node.name} ${node.file}`.toLowerCase().includes(wanted);
        const isMatch = (node) => (node.run ? node.run.some(isNamed) : isNamed(node));
        this.matches = new Set(wanted ? this.nodes.slice(1).filter(isMatch) : []);
        this.draw();
        this.found.textContent = wanted
            ? this.text.textFound.replace("%s", percent(this.matchedMs(), this.root.total))
            : "";
    }

    /* Does not count a match inside another one twice. */
    matchedMs() {
        const inside = new Set();
        let sum = 0;
        for (const node of this.nodes) {
            const isMatch = this.matches.has(node);
            if (isMatch && !inside.has(node.parent)) {
                sum += node.total;
            }
            if (isMatch || inside.has(node.parent)) {
                inside.add(node);
            }
        }
        return sum;
    }

    /* Goes to the widest match when Enter is pressed in the search. */
    searchKey(event) {
        const heaviest = [...this.matches].reduce((best, node) => (best && best.total >= node.total ? best : node), null);
        if (event.key === "Enter" && heaviest) {
            event.preventDefault();
            if (!this.drawn.has(heaviest)) {
                this.zoom(heaviest);
            }
            this.focus(heaviest);
        }
    }

    /* Scrolls past the outermost frames of a deep stack, which belong to servers and frameworks. */
    scrollToOwnCode() {
        const own = this.nodes.find((node) => node.isOwn);
        if (own) {
            this.frame.scrollTop = (own.depth - 2) * ROW_PX;
        }
    }

    resized() {
        if (this.frame.clientWidth !== this.width) {
            this.draw();
        }
    }
}

async function show(host) {
    try {
        const answer = await fetch(host.dataset.drawing, { headers: { Accept: "application/json" } });
        if (!answer.ok) {
            throw new Error(`status ${answer.status}`);
        }
        new FlameGraph(host, await answer.json());
    } catch (error) {
        host.replaceChildren(html("p", { className: "loopwatch-note", textContent: host.dataset.textFailed }));
        console.warn("loopwatch:", error);
    }
}

document.querySelectorAll(".loopwatch-flame-drawing").forEach(show);
