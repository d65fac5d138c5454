"""Learn from the past, keep what proves better, score every day: propensity to buy and behavioural clusters.

    target       what is predicted, over which horizon, judged at which cut-off
    labels       who bought after a cut-off
    frame        FEATURES as a frame that a learner can take
    history      the frames to learn from and to judge on, in time order
    propensity   the probability to buy: fit, predict, judge
    clusters     groups of customers that behave alike, and their names
    promotion    when a challenger replaces the incumbent
    registry     versions of models in MLflow, and which one scores a day
    training     fit, compare, promote                                            -> registry
    scoring      the models of a day applied to everyone                          -> scores

`target` imports nothing heavy and may be read while a DAG file is parsed; the rest belongs inside tasks.
"""
