// Runs the live page: keeps a WebSocket open, passes its messages to the table and the chart, and can be paused.
"use strict";

(() => {
    const FORBIDDEN = 4403;
    const FIRST_RETRY_MS = 1000;
    const LONGEST_RETRY_MS = 30000;
    const SILENT_AFTER_MS = 2000; // a beat arrives every second, unless the loop is blocked or the server is gone
    const BACKLOG_LIMIT = 200;

    const page = document.getElementById("loopwatch-live-page");
    const texts = page.dataset;
    const by = (id) => document.getElementById(id);
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)");

    const count = new Intl.NumberFormat(loopwatchLive.locale.language);
    const lines = new loopwatchLive.Lines(page);
    const health = new loopwatchLive.Health(by("loopwatch-chart"), by("loopwatch-processes"), by("loopwatch-process"), texts);

    let pausedAt = 0;
    let backlog = [];
    let leftOut = 0;
    let state = texts.connecting;
    let retryMs = FIRST_RETRY_MS;
    let isOpen = false;
    let wasEverOpen = false;
    let heardAt = 0;

    // Connected, it says that it is paused; what is wrong is more important.
    const say = (text, isDown = false) => {
        state = text;
        const strip = by("loopwatch-state");
        strip.textContent = pausedAt && !isDown ? loopwatchLive.fill(texts.paused, { time: loopwatchLive.time(pausedAt) }) : state;
        strip.classList.toggle("loopwatch-live-down", isDown);
    };

    // Says for how long the page has heard nothing, once it has heard anything.
    const sayHowOld = () => {
        const silentMs = Date.now() - heardAt;
        if (!wasEverOpen || (isOpen && silentMs < SILENT_AFTER_MS)) return;
        health.isCurrent = false;
        const seconds = count.format(Math.floor(silentMs / 1000));
        say(loopwatchLive.fill(isOpen ? texts.silent : texts.lost, { seconds }), true);
    };

    const tellLeftOut = (more) => {
        leftOut += more;
        by("loopwatch-left-out").hidden = !leftOut;
        by("loopwatch-left-out").textContent = loopwatchLive.fill(texts.leftOut, { count: count.format(leftOut) });
    };

    const labelButton = () => {
        const resumeWith = loopwatchLive.fill(texts.resumeWith, { count: count.format(backlog.length) });
        const resume = backlog.length ? resumeWith : texts.resume;
        by("loopwatch-pause").textContent = pausedAt ? resume : texts.pause;
    };

    const keep = (message) => {
        backlog.push(...message.lines);
        const tooMany = backlog.splice(0, Math.max(0, backlog.length - BACKLOG_LIMIT));
        return tooMany.reduce((sum, line) => sum + line.count, 0);
    };

    const receive = (message) => {
        heardAt = Date.now();
        if (!health.isCurrent) say(texts.connected);
        health.add(message);
        let more = message.left_out;
        if (pausedAt) more += keep(message);
        else lines.add(message.lines);
        if (more) tellLeftOut(more);
        if (pausedAt && message.lines.length) labelButton();
    };

    by("loopwatch-pause").addEventListener("click", () => {
        pausedAt = pausedAt ? 0 : Date.now();
        if (!pausedAt) {
            lines.add(backlog);
            backlog = [];
            health.draw();
        }
        labelButton();
        say(state, wasEverOpen && !health.isCurrent);
    });

    const connect = () => {
        const scheme = location.protocol === "https:" ? "wss:" : "ws:";
        const socket = new WebSocket(`${scheme}//${location.host}${texts.path}`);
        socket.addEventListener("open", () => {
            isOpen = wasEverOpen = true;
            heardAt = Date.now();
            retryMs = FIRST_RETRY_MS;
        });
        socket.addEventListener("message", (event) => receive(JSON.parse(event.data)));
        socket.addEventListener("close", (event) => {
            isOpen = health.isCurrent = false;
            if (event.code === FORBIDDEN) {
                clearInterval(clock);
                health.draw();
                return say(texts.forbidden, true);
            }
            if (wasEverOpen) sayHowOld();
            else say(texts.unreached, true);
            health.draw();
            setTimeout(connect, retryMs);
            retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
        });
    };

    // Advances every second, or every five seconds if the user prefers reduced motion.
    let ticks = 0;
    const clock = setInterval(() => {
        ticks += 1;
        sayHowOld();
        if (!pausedAt && !document.hidden && (!isCalm.matches || ticks % 5 === 0 || !health.isCurrent)) health.draw();
    }, 1000);
    health.draw();
    connect();
})();
