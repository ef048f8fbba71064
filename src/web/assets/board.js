// Fills a board's panels: asks for their data, a line for each, and draws each as it comes.
const { board, controls } = JSON.parse(document.getElementById("board").textContent);

const query = new URLSearchParams(Object.entries(controls).filter(([, value]) => value !== ""));
const response = await fetch(`/api/v1/dashboards/${board.name}/data?${query}`);
const text = await response.text();
for (const line of text.split("\n").filter((line) => line !== "")) {
  const { panel, ...answer } = JSON.parse(line);
  const section = document.getElementById(`panel-${panel}`);
  section.querySelector(".body").textContent = JSON.stringify(answer);
  section.removeAttribute("aria-busy");
}
