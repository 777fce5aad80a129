// Charts far below the screen are drawn when they come near it, and all of them for print.
function whenSeen(selector, draw) {
  const near = new Set();
  let stale = true;
  const refresh = () => {
    if (stale && near.size) {
      stale = false;
      draw();
    }
  };
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) near.add(target); else near.delete(target);
    }
    refresh();
  }, { rootMargin: "400px" });
  document.querySelectorAll(selector).forEach((element) => observer.observe(element));
  whenChosen.push(() => {
    stale = true;
    refresh();
  });
  addEventListener("beforeprint", draw);
}
