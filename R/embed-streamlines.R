# Velocities of cells averaged on a grid, and streamlines through it.

# cells: the table of vgfm_embed(). Gives one of all nodes, x running fastest. The kernel
# is a product of one for each axis, so that sums over cells are matrix products.
velocity_grid <- function(cells, nodes, smooth) {
  along <- function(value) {
    ends <- range(value)
    if (diff(ends) == 0) ends <- ends + c(-0.5, 0.5)
    seq(ends[1], ends[2], length.out = nodes)
  }
  kernel <- function(node, value) {
    exp(-0.5 * (outer(node, value, `-`) / (smooth * (node[2] - node[1])))^2)
  }
  x <- along(cells$x)
  y <- along(cells$y)
  near_x <- kernel(x, cells$x)
  near_y <- kernel(y, cells$y)
  total <- function(value) {
    as.vector(near_x %*% (t(near_y) * value))
  }
  mass <- total(1)
  divisor <- pmax(mass, .Machine$double.xmin)
  structure(
    data.frame(
      expand.grid(x = x, y = y, KEEP.OUT.ATTRS = FALSE), dx = total(cells$dx) / divisor,
      dy = total(cells$dy) / divisor, mass = mass
    ),
    axes = attr(cells, "axes"), nodes = list(x = x, y = y)
  )
}

# In widths of the figure: the length of a step, and the room that a line keeps for
# itself. Then the most steps each way, and the least that make a line worth drawing.
stream_step <- 0.004
stream_room <- 0.03
stream_steps <- 250
stream_least <- 20

# field: of velocity_grid(); dense: which of its nodes count. Lines run both ways from all
# nodes that count, the longest first; a line ends where another runs already.
streamlines <- function(field, dense) {
  unit <- unit_field(field, dense)
  seeds <- as.matrix(expand.grid(x = unit$at, y = unit$at))[dense, , drop = FALSE]
  forth <- walk(unit, seeds, 1)
  back <- walk(unit, seeds, -1)
  taken <- rep(FALSE, ceiling(1 / stream_room)^2)
  lines <- list()
  for (i in order(-rowSums(is.finite(forth[, , 1])) - rowSums(is.finite(back[, , 1])))) {
    if (taken[room_of(seeds[i, , drop = FALSE])]) next
    after <- free_part(forth[i, , ], taken)
    before <- free_part(back[i, , ], taken)
    line <- rbind(before[rev(seq_len(nrow(before))), ], seeds[i, ], after)
    if (nrow(line) < stream_least) next
    taken[room_of(line)] <- TRUE
    lines[[length(lines) + 1]] <- cbind(line = length(lines) + 1, line)
  }
  out <- do.call(rbind, lines) %||% cbind(line = 0, x = 0, y = 0)[0, , drop = FALSE]
  structure(
    data.frame(
      line = out[, "line"],
      x = unit$origin[1] + out[, "x"] * unit$range[1],
      y = unit$origin[2] + out[, "y"] * unit$range[2],
      speed = sqrt(at_points(unit, out, "dx")^2 + at_points(unit, out, "dy")^2)
    ),
    axes = attr(field, "axes")
  )
}

# The field on the unit square: matrices (nodes x nodes) of velocity, NA where no node
# counts, and of direction as seen in a square figure.
unit_field <- function(field, dense) {
  nodes <- attr(field, "nodes")
  size <- length(nodes$x)
  range <- vapply(nodes, function(node) diff(range(node)), 0)
  as_nodes <- function(value) matrix(ifelse(dense, value, NA), size)
  u <- field$dx / range[1]
  v <- field$dy / range[2]
  length <- sqrt(u^2 + v^2)
  list(
    at = seq(0, 1, length.out = size), size = size, range = range,
    origin = vapply(nodes, min, 0), dx = as_nodes(field$dx), dy = as_nodes(field$dy),
    u = as_nodes(ifelse(length > 0, u / length, NA)),
    v = as_nodes(ifelse(length > 0, v / length, NA))
  )
}

# A matrix of the field at points (a table with x and y), linear between nodes.
at_points <- function(unit, points, name) {
  value <- unit[[name]]
  last <- unit$size - 1
  column <- pmin(pmax(floor(points[, "x"] * last), 0), last - 1)
  row <- pmin(pmax(floor(points[, "y"] * last), 0), last - 1)
  s <- points[, "x"] * last - column
  t <- points[, "y"] * last - row
  at <- column + row * unit$size + 1
  (1 - t) * ((1 - s) * value[at] + s * value[at + 1]) +
    t * ((1 - s) * value[at + unit$size] + s * value[at + unit$size + 1])
}

# Runge-Kutta steps of one length from all seeds (n x 2) at once: (n, steps, 2), NA from
# where a line leaves the square or the nodes that count.
walk <- function(unit, seeds, sign) {
  direction <- function(points) {
    inside <- rowSums(points < 0 | points > 1) == 0
    points[!inside, ] <- NA
    uv <- cbind(at_points(unit, points, "u"), at_points(unit, points, "v"))
    sign * uv / sqrt(rowSums(uv^2))
  }
  out <- array(NA_real_, c(nrow(seeds), stream_steps, 2),
               list(NULL, NULL, c("x", "y")))
  point <- seeds
  for (i in seq_len(stream_steps)) {
    h <- stream_step
    k1 <- direction(point)
    k2 <- direction(point + h / 2 * k1)
    k3 <- direction(point + h / 2 * k2)
    k4 <- direction(point + h * k3)
    point <- point + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    out[, i, ] <- point
  }
  out
}

# The points (n x 2) before the first that is missing, in room that is taken, or back
# where the line itself has been.
free_part <- function(points, taken) {
  points <- points[is.finite(points[, 1]), , drop = FALSE]
  room <- room_of(points)
  visit <- rle(room)
  again <- rep(duplicated(visit$values), visit$lengths)
  points[cumsum(again | taken[room]) == 0, , drop = FALSE]
}

# The number of the square of the figure that a point lies in.
room_of <- function(points) {
  side <- ceiling(1 / stream_room)
  place <- pmin(floor(points / stream_room), side - 1)
  1 + place[, 1] + side * place[, 2]
}
