test_that("a fit goes on from its checkpoint, to the same bits", {
  file <- tempfile(fileext = ".rds")
  on.exit(unlink(file))
  kept_now <- keep_checkpoints()
  cells <- small_cells()
  control <- small_control(steps = 200, refine_steps = 20, checkpoint = file)
  set.seed(1)
  whole <- vgfm_fit(cells$x, cells$time, control = control)
  kept <- kept_now()
  expect_null(whole$control$checkpoint)
  expect_gte(length(kept), 6)
  for (k in unique(c(1, 2, length(kept) %/% 2, length(kept) - 1, length(kept)))) {
    writeBin(kept[[k]], file)
    resumed <- vgfm_resume(file)
    expect_identical(resumed[c("field", "history", "couplings", "training")],
                     whole[c("field", "history", "couplings", "training")])
  }
  expect_s3_class(readRDS(file), "vgfm")
  expect_length(list.files(dirname(file), paste0("^\\.", basename(file))), 0)
})

test_that("what is no checkpoint is refused", {
  expect_error(vgfm_resume(tempfile()), class = "vgfm_error_fit")
  file <- tempfile()
  on.exit(unlink(file))
  writeLines("text", file)
  expect_error(vgfm_resume(file), class = "vgfm_error_fit")
  saveRDS(1:3, file)
  expect_error(vgfm_resume(file), class = "vgfm_error_fit")
  saveRDS(structure(list(format = fit_format), class = "vgfm_checkpoint"), file)
  expect_error(vgfm_resume(file), class = "vgfm_error_fit")
  expect_error(vgfm_control(checkpoint = file.path(tempfile(), "x.rds")),
               class = "vgfm_error_control")
  expect_error(vgfm_control(checkpoint = tempdir()), class = "vgfm_error_control")
  expect_error(vgfm_control(checkpoint = 1), class = "vgfm_error_control")
})

test_that("a checkpoint that cannot be written is warned of once; the fit goes on", {
  folder <- tempfile()
  dir.create(folder)
  local_function("checkpoint_seconds", 0)
  cells <- small_cells()
  control <- small_control(checkpoint = file.path(folder, "fit.rds"))
  unlink(folder, recursive = TRUE)
  control$checkpoint <- NULL
  control["checkpoint"] <- list(file.path(folder, "fit.rds"))
  snapshots <- new_snapshots(cells$x, cells$time)
  caught <- 0
  fit <- withCallingHandlers(
    fit_snapshots(snapshots, vgfm_method(), control, rlang::current_env(),
                  key = c(1, 2)),
    vgfm_warning_checkpoint = function(condition) {
      caught <<- caught + 1
      rlang::cnd_muffle(condition)
    },
    vgfm_warning_checks = rlang::cnd_muffle
  )
  expect_identical(fit$training$step, 120)
  expect_lte(caught, 2) # during the training, and at its end
})

test_that("a fit that is done is returned as it is", {
  fit <- small_fit()
  local_function("couple_snapshots", function(...) stop("couplings are solved again"))
  expect_identical(vgfm_resume(fit), fit)
  expect_error(vgfm_resume(fit, steps = 150), "solved again")
})
