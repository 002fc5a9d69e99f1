test_that("cells start at their own times where these are known", {
  cells <- small_cells()
  table <- data.frame(cells$x, day = cells$time)
  set.seed(1)
  fit <- vgfm_fit(table, "day", control = small_control(activation = "silu"))
  some <- c(80, 3, 45) # of times 8, 2, 4
  paths <- vgfm_trajectories(fit, table[some, ], times = c(2, 4, 8))
  expect_equal(nrow(paths), 9)
  for (i in 1:3) {
    own <- table[some[i], ]
    alone <- vgfm_trajectories(fit, own, from = own$day, times = c(2, 4, 8))
    expect_equal(paths[paths$cell == rownames(own), ], alone, ignore_attr = TRUE)
    # At its own time a cell is where it is seen, with weight 1.
    here <- alone[alone$time == own$day, ]
    expect_equal(c(here$a, here$b, here$weight), c(own$a, own$b, 1), tolerance = 1e-6)
    end <- predict(fit, own, own$day, "state", to = 8)
    expect_equal(unlist(alone[3, c("a", "b")]), end[1, ], tolerance = 1e-3)
  }
  expect_identical(vgfm_trajectories(fit, table[some, ], times = c(2, 4, 8),
                                     from = c(8, 2, 4)), paths)
  expect_identical(vgfm_trajectories(fit, table[some, ], times = c(2, 4, 8),
                                     from = "day"), paths)
})

test_that("of an object, the column that the fit was made with", {
  for (x in list(small_seurat(), small_sce())) {
    fit <- quiet_fit(x, "stage", dims = 1:5)
    some <- c(3, 60, 110)
    paths <- vgfm_trajectories(fit, x[, some], times = c(0, 2, 5))
    own <- paths[paths$label == as.character(x$stage[some])[match(paths$cell,
                                                                colnames(x)[some])], ]
    expect_equal(as.matrix(own[fit$snapshots$features]), fit$snapshots$x[some, ],
                 tolerance = 1e-6, ignore_attr = TRUE)
    expect_equal(own$weight, rep(1, 3))
  }
})

test_that("times that are not known are asked for", {
  fit <- small_fit(steps = 2)
  error <- expect_error(vgfm_trajectories(fit, fit$snapshots$x[1:3, ]),
                        class = "vgfm_error_time")
  expect_identical(error$arg, "from")
  x <- small_seurat()
  object_fit <- quiet_fit(x, "day", dims = 1:5)
  x$day <- NULL
  expect_error(vgfm_trajectories(object_fit, x), class = "vgfm_error_time")
  x$day <- c(NA, rep(2, 149))
  expect_error(vgfm_trajectories(object_fit, x), class = "vgfm_error_time")
  expect_error(vgfm_trajectories(fit, fit$snapshots$x[1:3, ], from = 1:2),
               class = "vgfm_error_time")
  expect_error(vgfm_trajectories(fit, from = c(2, 4)), class = "vgfm_error_time")
  expect_error(vgfm_trajectories(fit, times = numeric()), class = "vgfm_error_time")
  expect_snapshot(vgfm_trajectories(fit, fit$snapshots$x[1:3, ]), error = TRUE)
})

test_that("all cells of one start are followed as vgfm_evaluate() follows them", {
  fit <- small_fit(steps = 20)
  x <- fit$snapshots$x[1:5, ]
  one <- follow(fit, x, 2, c(4, 8))
  each <- follow_each(fit, x, rep(2, 5), c(4, 8))
  for (i in 1:2) expect_identical(each[[i]]$x, one[[i]]$x)
})

test_that("cells that are drawn are those of the time where they start", {
  fit <- small_fit(steps = 20)
  paths <- vgfm_trajectories(fit, from = 4, times = c(2, 4, 8), n = 5)
  here <- paths[paths$time == 4, ]
  expect_identical(fit$snapshots$time[as.integer(here$cell)], rep(4, 5))
  expect_equal(as.matrix(here[c("a", "b")]), fit$snapshots$x[as.integer(here$cell), ],
               ignore_attr = TRUE)
  expect_error(vgfm_trajectories(fit, from = 3), class = "vgfm_error_time")
})
