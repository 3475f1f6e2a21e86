/** The page: its parts, and what each tells the others. */

import { AddressState } from "./address_state.js";
import { findElement } from "./dom.js";
import { fetchAffectMap } from "./affect_map.js";
import { fetchJson } from "./api_client.js";
import { CaptionsPanel } from "./captions_panel.js";
import { Filters } from "./filters.js";
import { FirstRun } from "./first_run.js";
import { IndexPanel } from "./index_panel.js";
import { listenToKeys } from "./keyboard.js";
import { LibraryView } from "./library_view.js";
import { MediaInput } from "./media_input.js";
import { MoodPanel } from "./mood_panel.js";
import { Notices } from "./notices.js";
import { QueryChips } from "./query_chips.js";
import { listCertainNames } from "./recognised_terms.js";
import { ResultList } from "./result_list.js";
import { SearchBox } from "./search_box.js";
import { SearchSession } from "./search_session.js";
import { SearchStatus } from "./search_status.js";
import { getFileName } from "./text_format.js";
import { Viewer } from "./viewer.js";

const RETRY_MS = 1500; // while the server loads the library or does not answer

/**
 * @typedef {import("./api_types.js").Result} Result
 * @typedef {import("./api_types.js").Item} Item
 * @typedef {import("./api_types.js").Library} Library
 */

const state = new AddressState();
const notices = new Notices();
const session = new SearchSession();
const status = new SearchStatus(state, notices);
const searchBox = new SearchBox(state);
const chips = new QueryChips(state);
const moodPanel = new MoodPanel(state);
const filters = new Filters(state);
const indexPanel = new IndexPanel(notices);
const firstRun = new FirstRun(indexPanel, notices);
const captionsPanel = new CaptionsPanel(indexPanel, notices);
const actions = { open: openItem, searchLike, exclude };
const results = new ResultList(actions, () => session.extend());
const viewer = new Viewer({ searchLike, exclude, explain, getNeighbour, getTarget }, notices);
const libraryView = new LibraryView(openItem, notices);
new MediaInput(state, notices);

/** @type {Library | null} */
let library = null;
/** @type {import("./plane_drawing.js").PlottedItem[]} */
let plotted = [];

/**
 * @param {Result | Item} item
 */
function openItem(item) {
  viewer.open(item, !matchMedia("(prefers-reduced-motion: reduce)").matches);
}

/**
 * @param {Result | Item} item
 * @param {string | null} nudge
 */
function searchLike(item, nudge) {
  chips.learnName(item.id, item.path);
  state.start({ item: item.id, nudge: nudge ? [nudge] : [] });
  notices.announce(`Searching for what is like ${getFileName(item.path)}${nudge ? `, but ${nudge}` : ""}`);
  scrollTo({ top: 0 });
}

/**
 * "Not this": leaves out what was recognised in a result, and the result alone where that is not certain.
 * @param {Result} result
 */
async function exclude(result) {
  const { why } = await session.explain(result).catch(() => result);
  const [term] = listCertainNames(why);
  if (term) {
    state.update({ not: [...new Set([...state.query.not, term])] });
    return;
  }
  results.hide(result);
  notices.showInfo("exclude", `Nothing was recognised for certain in ${getFileName(result.path)}, so it alone is hidden.`);
}

/**
 * @param {Result} result
 */
function explain(result) {
  return session.explain(result);
}

/**
 * @param {Result} result
 * @param {number} step
 */
function getNeighbour(result, step) {
  return results.getNeighbour(result, step);
}

function getTarget() {
  return moodPanel.plane.target.points[0] ?? null;
}

/**
 * The name of an item; its id where it has no place on the map.
 * @param {string} id
 */
function getName(id) {
  return plotted.find((item) => item.id === id)?.name ?? id;
}

/** Brings every part in line with the query. */
function showQuery() {
  const { query } = state;
  const isSearchView = query.view === "search";
  findElement("search-view").hidden = !isSearchView;
  findElement("library-view").hidden = isSearchView;
  for (const link of document.querySelectorAll("[data-view]")) {
    const isCurrent = /** @type {HTMLElement} */ (link).dataset.view === query.view;
    if (isCurrent) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const part of [searchBox, chips, moodPanel, filters]) part.showQuery(query);
  document.title = query.text ? `${query.text} – affect` : "affect";
  session.setQuery(query);
  if (!isSearchView && library) {
    libraryView.show(library, plotted);
    captionsPanel.refresh(getName);
  }
}

async function loadLibrary() {
  try {
    library = /** @type {Library} */ (await fetchJson("/api/library"));
  } catch (error) {
    notices.showError("library", /** @type {Error} */ (error).message);
    setTimeout(loadLibrary, RETRY_MS);
    return;
  }
  showLibrary(library);
  if (library.state === "ready") await loadMap(library);
  else setTimeout(loadLibrary, RETRY_MS);
}

/**
 * @param {Library} current
 */
function showLibrary(current) {
  firstRun.show(current);
  moodPanel.showLibrary(current);
  filters.showLibrary(current);
  if (current.notice) notices.showInfo("library", current.notice);
  else notices.clear("library");
  document.body.dataset.state = current.state;
}

/**
 * @param {Library} current
 */
async function loadMap(current) {
  plotted = await fetchAffectMap().catch(() => []);
  moodPanel.plane.setItems(plotted);
  libraryView.invalidate();
  if (state.query.view === "library") await libraryView.show(current, plotted);
}

function listen() {
  state.addEventListener("change", showQuery);
  session.addEventListener("start", () => status.showBusy());
  session.addEventListener("answer", () => {
    const { answer } = session;
    if (!answer) return;
    status.showEmpty(false);
    status.showAnswer(answer);
    results.show(answer.results);
    moodPanel.showAnswer(answer);
  });
  session.addEventListener("explained", (event) => results.showSummaries(/** @type {CustomEvent} */ (event).detail));
  session.addEventListener("error", (event) => status.showError(/** @type {CustomEvent} */ (event).detail));
  session.addEventListener("empty", () => {
    status.showEmpty(true);
    results.show([]);
    moodPanel.plane.setResults([]);
  });
  indexPanel.addEventListener("library", async () => {
    await loadLibrary();
    session.repeat();
  });
  listenToViews();
  listenToKeys({
    focusSearch: () => searchBox.focus(),
    focusResults: () => results.grid.focusCard(0),
    findResult: (element) => results.findResult(element),
    resultKeys: {
      m: (result) => searchLike(result, null),
      c: (result) => searchLike(result, "calmer"),
      b: (result) => searchLike(result, "brighter"),
      n: exclude,
    },
  });
}

/** Links between the views change the address without loading the page again. */
function listenToViews() {
  for (const link of document.querySelectorAll("[data-view]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      state.update({ view: /** @type {HTMLElement} */ (link).dataset.view });
      state.commit();
    });
  }
}

listen();
showQuery();
status.showEmpty(!session.isActive);
indexPanel.follow();
loadLibrary();
