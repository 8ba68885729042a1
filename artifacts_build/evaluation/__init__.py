"""How good the predictor and the routing are, measured on prompts, models and sources that were not trained on.

experiment   outcomes, embeddings, the split, and fits that are made once
prices       list prices of the models in the data, and stated output lengths
routers      what is compared: our router, the published formula, nearest neighbours, tables, mixes, the oracle
curves       cost against completion: hulls, matched points, AIQ
compare      paired bootstrap over prompts
bench        all of that for each source
left_out     models and sources left out, coverage of sigma, the ablation
robustness   decisions under changes that should not matter
plots        pictures; pages: Markdown
"""
