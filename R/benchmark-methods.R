# What is compared in a benchmark: methods that are asked for, and controls that learn
# nothing, which are always there.

naive_methods <- c("hold", "linear", "counts")

learning_methods <- function() {
  learns <- vapply(names(method_table), function(name) !is_naive(vgfm_method(name)), NA)
  names(method_table)[learns]
}

# A list of methods, named by what the table calls them: first those that were asked for,
# or all that learn, then the controls.
check_methods <- function(methods, call) {
  methods <- methods %||% learning_methods()
  fail <- function(message, hint, .envir = parent.frame()) {
    abort_input(c(message, i = hint), arg = "methods", class = "vgfm_error_method",
                call = call, .envir = .envir)
  }
  if (length(methods) == 0 || !(is.character(methods) || rlang::is_bare_list(methods))) {
    fail("{.arg methods} must be names of methods, or a list, not {describe(methods)}.",
         "There are {.val {names(method_table)}}.")
  }
  list <- lapply(methods, as_method, "methods", call)
  labels <- rlang::names2(methods)
  labels[labels == ""] <- vapply(list[labels == ""], method_name, "")
  names(list) <- labels
  naive <- vapply(list, is_naive, NA)
  clash <- labels %in% naive_methods & !(naive & labels == vapply(list, method_name, ""))
  if (any(clash)) {
    fail("No method of {.arg methods} can be called {.val {labels[clash][1]}}.",
         "That is a control, which every benchmark has.")
  }
  twice <- unique(labels[duplicated(labels)])
  if (length(twice) > 0) {
    fail("{.arg methods} must have different names; {.val {twice[1]}} is there twice.",
         "Name them: {.code methods = list(a = , b = )}.")
  }
  c(list[!labels %in% naive_methods],
    stats::setNames(lapply(naive_methods, vgfm_method), naive_methods))
}

method_name <- function(method) method$name

# Whether it learns nothing, so that one repeat says all.
is_naive <- function(method) !is_trained_method(method)
