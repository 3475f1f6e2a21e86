/** The page: its parts, and what each tells the others. */

import { AddressState, isScoredByChance } from "./address_state.js";
import { findElement } from "./dom.js";
import { fetchAffectMap } from "./affect_map.js";
import { CaptionsPanel } from "./captions_panel.js";
import { Filters } from "./filters.js";
import { FirstRun } from "./first_run.js";
import { IndexPanel } from "./index_panel.js";
import { listenToKeys } from "./keyboard.js";
import { LibraryView } from "./library_view.js";
import { hasBeenThere, isThere, LibraryWatch } from "./library_watch.js";
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

const UNAVAILABLE = 503; // HTTP's status of a library that can't be searched now

/**
 * @typedef {import("./api_types.js").Result} Result
 * @typedef {import("./api_types.js").Item} Item
 * @typedef {import("./api_types.js").Library} Library
 */

const state = new AddressState();
const notices = new Notices();
const session = new SearchSession();
const watch = new LibraryWatch(notices);
const status = new SearchStatus(state, notices);
const searchBox = new SearchBox(state);
const chips = new QueryChips(state);
const moodPanel = new MoodPanel(state);
const filters = new Filters(state);
const indexPanel = new IndexPanel(notices);
const firstRun = new FirstRun(indexPanel);
const captionsPanel = new CaptionsPanel(indexPanel, notices);
const actions = { open: openItem, searchLike, exclude };
const results = new ResultList(actions, () => session.extend());
const viewer = new Viewer({ searchLike, exclude, explain, getNeighbour, getTarget }, notices);
const libraryView = new LibraryView(openItem, notices);
new MediaInput(state, notices);

/** @type {{plotted: import("./plane_drawing.js").PlottedItem[], total: number}} */
let affectMap = { plotted: [], total: 0 };
let focusesFirst = false; // whether the first result of the next answer takes the focus

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
  focusesFirst = true;
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
  return affectMap.plotted.find((item) => item.id === id)?.name ?? id;
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
  if (!isSearchView && watch.library) {
    libraryView.show(watch.library, affectMap);
    captionsPanel.refresh(getName);
  }
}

/** While the library is away the page stays as it was, but for use. */
function showLibrary() {
  const library = /** @type {Library} */ (watch.library);
  const isGone = !isThere(library) && hasBeenThere(library);
  document.body.dataset.state = isGone ? "gone" : library.state;
  findElement("main").inert = findElement("search-form").inert = isGone;
  firstRun.show(library);
  if (isGone) return;
  moodPanel.showLibrary(library);
  filters.showLibrary(library);
}

async function loadMap() {
  affectMap = await fetchAffectMap().catch(() => ({ plotted: [], total: 0 }));
  moodPanel.plane.setItems(affectMap.plotted);
  libraryView.invalidate();
  if (state.query.view === "library") await libraryView.show(/** @type {Library} */ (watch.library), affectMap);
}

function showAnswer() {
  const { answer } = session;
  if (!answer) return;
  status.showEmpty(false);
  status.showAnswer(answer);
  results.show(answer.results, { folds: isScoredByChance(state.query), isWhole: !session.mayHaveMore });
  moodPanel.showAnswer(answer);
  const { activeElement } = document;
  const isLost = activeElement === document.body || activeElement?.closest("#results");
  if (focusesFirst && isLost) results.grid.focusCard(0); // not where the reader has moved on
  focusesFirst = false;
}

/**
 * Shows why there is no answer. That the library is away is said once, and not of every search.
 * @param {Error & {status?: number}} error
 */
async function showSearchError(error) {
  if (error.status === UNAVAILABLE) await watch.load();
  if (!watch.isAway) status.showError(error, session.answer !== null);
  if (session.answer) return;
  results.show([]);
  moodPanel.clearAnswer();
}

function listen() {
  state.addEventListener("change", showQuery);
  session.addEventListener("start", () => {
    status.showBusy();
    results.foldUnlikely();
  });
  session.addEventListener("answer", showAnswer);
  session.addEventListener("explained", (event) => results.showSummaries(/** @type {CustomEvent} */ (event).detail));
  session.addEventListener("error", (event) => showSearchError(/** @type {CustomEvent} */ (event).detail));
  session.addEventListener("empty", () => {
    status.showEmpty(true);
    results.show([]);
    moodPanel.clearAnswer();
  });
  watch.addEventListener("change", showLibrary);
  watch.addEventListener("return", () => session.repeat());
  watch.addEventListener("ready", loadMap);
  indexPanel.addEventListener("library", async () => {
    await watch.load();
    if (!watch.isAway) session.repeat();
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
watch.load();
