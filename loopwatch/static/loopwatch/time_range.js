/* Zooms a page into the time over which the pointer is dragged in its chart. Without it, bars are still links. */

const SVG = "http://www.w3.org/2000/svg";
const SHORTEST_PX = 6;

function watch(chart) {
    const [begin, end] = [chart.dataset.begin, chart.dataset.end].map(Date.parse);
    let from = null;
    let mark = null;

    const share = (event) => {
        const { left, width } = chart.getBoundingClientRect();
        return Math.min(Math.max((event.clientX - left) / width, 0), 1);
    };
    const moment = (part) => new Date(begin + part * (end - begin)).toISOString();

    function drag(event) {
        if (!mark && Math.abs(event.clientX - from.px) > SHORTEST_PX) {
            mark = document.createElementNS(SVG, "rect");
            mark.setAttribute("class", "loopwatch-selection");
            mark.setAttribute("height", "100%");
            chart.append(mark);
            chart.setPointerCapture(event.pointerId);
        }
        if (mark) {
            mark.setAttribute("x", `${100 * Math.min(from.share, share(event))}%`);
            mark.setAttribute("width", `${100 * Math.abs(from.share - share(event))}%`);
        }
    }

    function drop(event) {
        if (mark) {
            const parts = [from.share, share(event)].sort((one, other) => one - other);
            const query = new URLSearchParams(location.search);
            query.delete("span");
            query.set("from", moment(parts[0]));
            query.set("to", moment(parts[1]));
            location.search = query;
        }
        from = null;
    }

    chart.addEventListener("dragstart", (event) => event.preventDefault());
    chart.addEventListener("pointerdown", (event) => {
        from = event.button === 0 ? { px: event.clientX, share: share(event) } : null;
    });
    chart.addEventListener("pointermove", (event) => from && drag(event));
    chart.addEventListener("pointerup", drop);
    chart.addEventListener("click", (event) => mark && event.preventDefault(), true);
}

document.querySelectorAll(".loopwatch-zoom").forEach(watch);
