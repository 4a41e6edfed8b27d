// Runs the live page: keeps a WebSocket open, passes its messages to the table and the chart, and can be paused.
"use strict";

(() => {
    const FORBIDDEN = 4403;
    const FIRST_RETRY_MS = 1000;
    const LONGEST_RETRY_MS = 30000;
    const BACKLOG_LIMIT = 200;

    const page = document.getElementById("loopwatch-live-page");
    const texts = page.dataset;
    const by = (id) => document.getElementById(id);
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)");

    const count = new Intl.NumberFormat(loopwatchLive.locale.language);
    const lines = new loopwatchLive.Lines(page);
    const health = new loopwatchLive.Health(by("loopwatch-chart"), by("loopwatch-processes"), by("loopwatch-process"), texts);

    let isPaused = false;
    let backlog = [];
    let leftOut = 0;
    let state = texts.connecting;
    let retryMs = FIRST_RETRY_MS;

    const say = (text) => {
        state = text;
        by("loopwatch-state").textContent = isPaused ? `${texts.paused} ${state}` : state;
    };

    const tellLeftOut = (more) => {
        leftOut += more;
        by("loopwatch-left-out").hidden = !leftOut;
        by("loopwatch-left-out").textContent = loopwatchLive.fill(texts.leftOut, { count: count.format(leftOut) });
    };

    const labelButton = () => {
        const resumeWith = loopwatchLive.fill(texts.resumeWith, { count: count.format(backlog.length) });
        const resume = backlog.length ? resumeWith : texts.resume;
        by("loopwatch-pause").textContent = isPaused ? resume : texts.pause;
    };

    const keep = (message) => {
        backlog.push(...message.lines);
        const tooMany = backlog.splice(0, Math.max(0, backlog.length - BACKLOG_LIMIT));
        return tooMany.reduce((sum, line) => sum + line.count, 0);
    };

    const receive = (message) => {
        health.add(message);
        let more = message.left_out;
        if (isPaused) more += keep(message);
        else lines.add(message.lines);
        if (more) tellLeftOut(more);
        if (isPaused && message.lines.length) labelButton();
    };

    by("loopwatch-pause").addEventListener("click", () => {
        isPaused = !isPaused;
        if (!isPaused) {
            lines.add(backlog);
            backlog = [];
            health.draw();
        }
        labelButton();
        say(state);
    });

    const connect = () => {
        const scheme = location.protocol === "https:" ? "wss:" : "ws:";
        const socket = new WebSocket(`${scheme}//${location.host}${texts.path}`);
        let wasOpen = false;
        socket.addEventListener("open", () => {
            wasOpen = true;
            retryMs = FIRST_RETRY_MS;
            say(texts.connected);
        });
        socket.addEventListener("message", (event) => receive(JSON.parse(event.data)));
        socket.addEventListener("close", (event) => {
            if (event.code === FORBIDDEN) return say(texts.forbidden);
            say(wasOpen ? texts.lost : texts.unreached);
            setTimeout(connect, retryMs);
            retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
        });
    };

    // Advances every second, or every five seconds if the user prefers reduced motion.
    let ticks = 0;
    setInterval(() => {
        ticks += 1;
        if (!isPaused && !document.hidden && (!isCalm.matches || ticks % 5 === 0)) health.draw();
    }, 1000);
    health.draw();
    connect();
})();
