# The methods, each a few lines: its parts, what else its authors set (`paper`), what it
# can give, and where it comes from. Functions, so that nothing is made before it is asked
# for.

method_table <- list(
  vgfm = function() list(
    parts = list(coupling = coupling_semirelaxed(), path = path_smooth(),
                 growth = growth_learned(), training = training_refine()),
    paper = list(path = path_straight(0.1), tau = 10, epsilon = 0.003,
                 components = Inf),
    reference = "Wang and others 2025, arXiv:2505.13413"
  ),
  ot_cfm = function() list(
    parts = list(coupling = coupling_exact(), path = path_straight(),
                 growth = growth_uniform(), training = training_match()),
    paper = list(minibatch = 256, noise = 0.1),
    reference = "Tong and others 2024, arXiv:2302.00482"
  ),
  ot_cfm_u = function() list(
    parts = list(coupling = coupling_semirelaxed(), path = path_straight(),
                 growth = growth_learned(), training = training_match()),
    paper = list(noise = 0.1, components = Inf),
    reference = "Tong and others 2024, arXiv:2302.00482; Wang and others 2025"
  ),
  sf2m = function() list(
    parts = list(coupling = coupling_entropic(), path = path_brownian(),
                 growth = growth_uniform(), training = training_match()),
    paper = list(sigma = 0.25),
    reference = "Tong and others 2024, arXiv:2307.03672"
  ),
  sf2m_u = function() list(
    parts = list(coupling = coupling_semirelaxed(), path = path_brownian(),
                 growth = growth_learned(), training = training_match()),
    paper = list(sigma = 0.05, components = Inf),
    reference = "CytoBridge (CRUFM); Tong and others 2024, arXiv:2307.03672"
  ),
  uot_fm = function() list(
    parts = list(coupling = coupling_unbalanced(), path = path_straight(),
                 growth = growth_learned(), training = training_match()),
    paper = NULL,
    reference = "Eyring and others 2024, arXiv:2311.15100"
  ),
  wfr_fm = function() list(
    parts = list(coupling = coupling_unbalanced(cost = "log_cos"), path = path_cone(),
                 growth = growth_learned(), training = training_match()),
    paper = list(delta = 1.5),
    reference = "Peng and others 2026, WFR-FM"
  ),
  dynamic_uot = function() list(
    parts = list(coupling = coupling_semirelaxed(), path = path_straight(),
                 growth = growth_learned(), training = training_simulate()),
    paper = NULL,
    reference = "CytoBridge (unbalanced_ot)"
  ),
  deepruot = function() list(
    parts = list(coupling = coupling_semirelaxed(), path = path_brownian(),
                 growth = growth_learned(), training = training_simulate()),
    paper = list(sigma = 0.05),
    reference = "Zhang and others 2025, arXiv:2410.00844"
  ),
  ot_mfm = function() list(
    parts = list(coupling = coupling_exact(), path = path_metric(),
                 growth = growth_uniform(), training = training_match()),
    paper = list(minibatch = 128, noise = 0.1, alpha = 2),
    reference = "Kapusniak and others 2024, arXiv:2405.14780"
  ),
  ot_mfm_u = function() list(
    parts = list(coupling = coupling_semirelaxed(), path = path_metric(),
                 growth = growth_learned(), training = training_match()),
    paper = list(noise = 0.1, alpha = 2),
    reference = "Kapusniak and others 2024, arXiv:2405.14780; Wang and others 2025"
  ),
  udsb = function() list(
    parts = list(coupling = coupling_entropic(), path = path_brownian(),
                 growth = growth_uniform(), training = training_ipf()),
    paper = NULL,
    reference = "Pariset and others 2023, arXiv:2306.09099"
  ),
  tigon = function() list(
    parts = list(coupling = coupling_semirelaxed(), path = path_straight(),
                 growth = growth_learned(), training = training_density()),
    paper = NULL,
    reference = "Sha and others 2024, Nature Machine Intelligence 6"
  ),
  linear = function() list(
    parts = list(coupling = coupling_exact(), path = path_straight(0),
                 growth = growth_uniform(), training = training_none()),
    paper = list(),
    reference = "McCann 1997, Advances in Mathematics 128"
  ),
  hold = function() list(
    parts = list(growth = growth_none(), training = training_none()),
    paper = list(), reference = "naive control"
  ),
  counts = function() list(
    parts = list(growth = growth_uniform(), training = training_none()),
    paper = list(), reference = "naive control"
  )
)

#' The methods that there are
#'
#' Each is a coupling, a path, a model of growth and a way of training ([method_parts]),
#' run by the same engine, with the same evaluation. So [vgfm_evaluate()], [vgfm_cv()] and
#' [vgfm_benchmark()] compare them on equal terms.
#'
#' @section Learn velocity and growth:
#' They say where cells go, how fast they grow and what mass that makes. What is true of
#' all: they take every difference between snapshots for motion or growth, and cannot say
#' which of both it was where either explains it, see [vgfm_identifiability()].
#' * `vgfm`: Joint Velocity-Growth Flow Matching. Assumes that cells travel little, that
#'   changing mass has a price, and that it changes at a constant rate on the way. Says in
#'   which intervals the data tell growth from motion. Cannot say how random the fate of a
#'   cell is. Wang, Jiang, Zhang, Gu, Zhou and Sun (2025), NeurIPS, arXiv:2505.13413.
#'   Published settings: straight paths with noise 0.1; `tau` and `epsilon` were set by
#'   hand for each data set (10 and 0.003 on the gene network).
#' * `ot_cfm_u`: its matching alone: pairs of a semi-relaxed coupling on straight lines.
#'   Assumes, says and cannot say the same; masses are less exact, as nothing is refined.
#'   Tables have such a row for unbalanced OT-CFM without its code: this reading is ours.
#'   Published: noise 0.1.
#' * `uot_fm`: couplings that may lose or gain mass at both ends, so that cells without a
#'   counterpart on either side are left out; straight lines. Assumes one price for both.
#'   Cannot say when on the way mass changed. Eyring, Klein, Uscidda,
#'   Palla, Kilbertus, Akata and Theis (2024), ICLR, arXiv:2311.15100, where it is
#'   balanced afterwards; here the growth that it implies is learned. No settings were
#'   published for snapshots.
#' * `wfr_fm`: geodesics of the Wasserstein-Fisher-Rao metric. Assumes that motion and
#'   change of mass trade at one length, `delta`; cells further apart than pi `delta` are
#'   never a pair. Mass changes along the way, at both ends of a pair. In mid-flight it
#'   dips below both ends even where the population keeps its size: that is the geometry,
#'   not the data, so its growth rates cannot be read as divisions and deaths where cells
#'   travel far. Peng and others (2026), WFR-FM, ICLR. Its authors set `delta` by hand for
#'   each set (1.5 on the gene network).
#' * `dynamic_uot`: dynamic unbalanced optimal transport: the flow is found by simulation
#'   alone, as the one that meets all snapshots with little motion and growth. Assumes
#'   that energies of motion and growth trade at a fixed price. Says how masses and ways
#'   follow from one another over all times at once, as a gradient passes all intervals.
#'   Cannot say growth better than that price does, nor use what is expected of growth.
#'   After Zhang, Li and Zhou (DeepRUOT) and CytoBridge's `unbalanced_ot`, with their
#'   faults mended: weights have gradients, by the potentials of the exact plan; W1 stands
#'   for squared W2, which fitted worse here; intervals are not cut apart. No settings
#'   were published.
#' * `tigon`: density matching. Points of the density of each snapshot are carried back
#'   in time, and must arrive with the density of the snapshots there; of all fields that
#'   do so, those of least Wasserstein-Fisher-Rao action are looked for. Assumes that
#'   cells make a density: some hundred of them, in few features, see "Densities". Says
#'   velocity and growth without pairs. Cannot be had in hundreds of features, where
#'   cells have no neighbours. Sha, Qiu, Zhou and Nie (2024), Nature Machine
#'   Intelligence 6. Three things differ from its public code: the action is that of
#'   cells on their way, with their own growth (there they stand still, and the growth is
#'   that of the origin); log densities are compared, as densities have no scale; and
#'   total masses count, too. No settings were published that carry over.
#'
#' @section Densities:
#' The density of a snapshot for `tigon` is the mean of Gaussians around its cells, at
#' most 2000 of them. Their width, `bandwidth`, is 1.5 times the one at which cells are
#' most likely, each under the density of the others (mean over snapshots). Training
#' begins with kernels as wide as a snapshot; they narrow by the same factor in each of
#' the first 80 % of the steps. The divergence of the velocity is exact in up to 10
#' features; beyond, it is estimated along one direction, drawn anew for the way of each
#' point (Hutchinson 1990). A fit is refused, before anything runs, in more than 50
#' features, and where the density at a typical cell rests on less than 8 other cells.
#'
#' @section Learn velocity, and a score:
#' * `sf2m`: simulation-free Schroedinger bridges. Assumes that cells diffuse by a known
#'   `sigma`, the same everywhere. Says how cells spread: they can be simulated with
#'   noise. Cannot say which cells grow, as the masses set one rate for all, nor how large
#'   `sigma` is. Tong, Malkin, Fatras, Atanackovic, Zhang, Huguet, Wolf and
#'   Bengio (2024), AISTATS, arXiv:2307.03672. Published: `sigma` 0.25 on cells.
#' * `sf2m_u`: the same on a semi-relaxed coupling, with learned growth (CRUFM of
#'   CytoBridge). Assumes what `sf2m` and `ot_cfm_u` do but for the one rate. Says growth
#'   too. Cannot say how large `sigma` is. Published: `sigma` 0.05.
#' * `udsb`: unbalanced diffusion Schroedinger bridges, by iterated proportional fitting
#'   on simulated paths (`rounds`), with births and deaths. Assumes a `sigma`, and a rate
#'   of births less deaths that is known beforehand up to a factor. By default that rate
#'   is the same for all cells of an interval, so it cannot say which cells grow: branches
#'   that grow unequally keep wrong shares, as a few rounds move hardly a cell between
#'   branches far apart. With a `growth_prior`, take `vgfm_method("udsb",
#'   coupling = coupling_semirelaxed(), growth = growth_learned())`: growth is then the
#'   prior by state, times a factor for each interval that makes the simulated mass right
#'   (found by bisection between 0.1 and 10; its authors learn a function of time), and
#'   what the factor cannot do is added as a constant (per standard time, in
#'   `fit$training$bridging$rates`). Its coupling serves the questions
#'   that follow couplings, such as [vgfm_fates()], and units; training does not read it.
#'   Every gap is a bridge between its two snapshots, all by the same two networks; its
#'   authors match the first and the last snapshot only. Squared errors are fitted, not
#'   norms, which fit a median. Between simulated ends paths are Brownian bridges, which
#'   keeps errors from piling up over rounds. Pariset, Hsieh, Bunne, Krause
#'   and De Bortoli (2023), arXiv:2306.09099; De Bortoli, Thornton, Heng and Doucet
#'   (2021), NeurIPS; Shi, De Bortoli, Campbell and Doucet (2023), NeurIPS. Published:
#'   rates and diffusion by hand for each data set.
#' * `deepruot`: regularised unbalanced optimal transport: `dynamic_uot`, and then a
#'   potential of place and time whose gradient is the score, matched on Brownian bridges
#'   between the clouds that the flow makes. Assumes what `dynamic_uot` and `sf2m` do.
#'   Says growth, and how cells spread. Cannot say how large `sigma` is. The flow has the
#'   marginals of the process; paths with noise drift by the flow plus the score. As
#'   published, the second version, with its equation loss if `pinn` gives it a weight;
#'   that is taken of log densities: published, it was of densities, exponentials of the
#'   potential, which are 0 or beyond all numbers where `sigma` is small. Mended too are
#'   the weights of the clouds, which the pairs did not have, and the leaky ReLU of the
#'   potential, whose gradient is constant by pieces: with that activation, the potential
#'   has SiLU. The equation trains the potential alone, not the flow. The score has no
#'   part in the energy of the flow, so the flow is done before the score, and they are
#'   not trained together at last. Zhang, Li and Zhou (2025), ICLR, arXiv:2410.00844.
#'   Published: `sigma` 0.05 on the gene network.
#'
#' @section Learn velocity alone:
#' * `ot_cfm`: conditional flow matching on optimal transport. Assumes that every cell has
#'   the same mass at both ends. Says where cells go. Cannot say which cells grow: where
#'   branches grow unequally, it moves cells between branches that never did so. The rate
#'   that the masses set for all cells is ours. Tong, Fatras, Malkin, Huguet, Zhang,
#'   Rector-Brooks, Wolf and Bengio (2024), TMLR, arXiv:2302.00482. Published: minibatches
#'   of 256, noise 0.1.
#' * `ot_mfm`: metric flow matching: the same pairs, but paths bend to where cells are.
#'   Assumes that cells travel where cells are seen at either end of an interval. Cannot
#'   say which cells grow, nor bend where nobody was seen. The rate for all cells, and a
#'   metric that does not depend on the number of cells, are ours; the network that bends
#'   paths sees them without noise. Kapusniak, Potaptchik, Reu, Zhang, Tong, Bronstein,
#'   Bose and Di Giovanni (2024), NeurIPS, arXiv:2405.14780. Published: minibatches of
#'   128, noise 0.1, `alpha` 2 in few features.
#' * `ot_mfm_u`: the same on a semi-relaxed coupling, with learned growth as `ot_cfm_u`.
#'   Tables have such a row without its code: this reading is ours.
#'
#' @section Learn nothing:
#' Naive controls, which a method has to beat. They say populations at times between the
#' first and the last, and nothing of other cells, velocity or growth by state.
#' * `hold`: the last snapshot stays as it is. Assumes that nothing happens.
#' * `counts`: the same, but its mass follows the masses: all cells grow alike.
#' * `linear`: pairs of the exact coupling, each on its straight line (McCann 1997). A
#'   point between two cells averages their noise, which W1 rewards in many dimensions.
#'
#' @param ... Must be empty.
#' @return A data frame with a row per method: `method`, its parts `coupling`, `path`,
#'   `growth` and `training`, what it `gives`, and its `reference`.
#' @section Errors: `vgfm_error_argument` for an argument, as it takes none.
#' @export
#' @seealso [vgfm_method()]
#' @examples
#' vgfm_methods()[c("method", "coupling", "path", "gives")]
vgfm_methods <- function(...) {
  check_arguments()
  rows <- lapply(names(method_table), function(name) {
    entry <- method_table[[name]]()
    method <- new_method(name, entry$parts)
    shown <- function(part) if (is.null(part)) "none" else part_name(part)
    data.frame(
      method = name, coupling = shown(method$coupling), path = shown(method$path),
      growth = shown(method$growth), training = shown(method$training),
      gives = paste(gives(method), collapse = ", "), reference = entry$reference
    )
  })
  do.call(rbind, rows)
}
