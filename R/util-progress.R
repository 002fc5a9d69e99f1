# A progress bar that shows itself only on work of more than a second. Returns a function
# of (steps done since the last call, loss, finished).
new_progress <- function(name, total, show) {
  if (!show) return(function(...) invisible())
  old <- options(cli.progress_show_after = 1, cli.progress_clear = TRUE)
  on.exit(options(old))
  bar <- cli::cli_progress_bar(
    name, total = total, .auto_close = FALSE, extra = list(loss = ""),
    format = paste(
      "{cli::pb_name} {cli::pb_bar} {cli::pb_percent}",
      "{cli::pb_extra$loss} ETA {cli::pb_eta}"
    )
  )
  function(steps, loss = NULL, finished = FALSE) {
    if (finished) return(cli::cli_progress_done(id = bar))
    text <- if (is.null(loss)) "" else paste("loss", format(loss, digits = 3))
    cli::cli_progress_update(steps, id = bar, extra = list(loss = text))
  }
}
